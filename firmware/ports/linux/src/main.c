/* The one file of a firmware program that is compiled per version. */
#include <stdlib.h>
#include <string.h>

#include "app/build_info.h"
#include "port/process.h"

static const struct app_build build = APP_BUILD_INIT;
static const char facts[] __attribute__((used)) = APP_BUILD_FACTS;

int main(void)
{
#ifdef FW_DIES_ONCE_GOOD /* for tests: an image that proves itself and never starts again */
    const char *trial = getenv("MUSTER_DEVICE_TRIAL");
    if (trial && strcmp(trial, "0") == 0)
        abort();
#endif
    return process_run(&build);
}
