#ifndef APP_BUILD_INFO_H
#define APP_BUILD_INFO_H

#include "app/app.h"

/*
 * What differs between firmware programs, from compile-time definitions. Included by the one file
 * of a program that is compiled per version (its main), so that the app itself is built once:
 *
 *     static const struct app_build build = APP_BUILD_INIT;
 */
#ifndef FW_VERSION
#error "define FW_VERSION, e.g. -DFW_VERSION=\"1.4.0\""
#endif
#ifndef FW_PRODUCT
#define FW_PRODUCT "weather"
#endif
#ifndef FW_HW
#define FW_HW "linux"
#endif
#ifndef APP_DEW_POINT
#define APP_DEW_POINT 0
#endif
#ifndef APP_EXPECT_BME280_ID
#define APP_EXPECT_BME280_ID BME280_ID
#endif

#ifndef APP_OTHER_HW
#define APP_OTHER_HW ""
#endif
#ifndef APP_OTHER_BME280_ID
#define APP_OTHER_BME280_ID APP_EXPECT_BME280_ID
#endif

#define APP_BUILD_INIT                                                                             \
    {                                                                                              \
        .product = FW_PRODUCT, .hw = FW_HW, .version = FW_VERSION, .dew_point = APP_DEW_POINT,     \
        .bme280_id = APP_EXPECT_BME280_ID, .other_hw = APP_OTHER_HW,                               \
        .other_bme280_id = APP_OTHER_BME280_ID                                                     \
    }

/* The same as a text that lies in the program: by it muster-swarm, which does not run an image's
 * code, knows what a device would be with it (swarm/image.h reads it). */
#define APP_BUILD_TEXT_OF(x) #x
#define APP_BUILD_TEXT(x)    APP_BUILD_TEXT_OF(x)
#define APP_BUILD_FACTS                                                                            \
    "muster-firmware product=" FW_PRODUCT " version=" FW_VERSION                                   \
    " dew_point=" APP_BUILD_TEXT(APP_DEW_POINT) " bme280_id=" APP_BUILD_TEXT(                      \
        APP_EXPECT_BME280_ID) " other_hw=" APP_OTHER_HW                                            \
                              " other_bme280_id=" APP_BUILD_TEXT(APP_OTHER_BME280_ID) "\n"

#endif
