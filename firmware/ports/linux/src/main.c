/* The one file of a firmware program that is compiled per version. */
#include "app/build_info.h"
#include "port/process.h"

static const struct app_build build = APP_BUILD_INIT;

int main(void)
{
    return process_run(&build);
}
