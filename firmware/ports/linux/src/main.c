/* The one file of a firmware program that is compiled per version. */
#include "app/build_info.h"
#include "port/process.h"

static const struct app_build build = APP_BUILD_INIT;
static const char facts[] __attribute__((used)) = APP_BUILD_FACTS;

int main(void)
{
    return process_run(&build);
}
