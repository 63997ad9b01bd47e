#ifndef APP_FEATURES_H
#define APP_FEATURES_H

/*
 * What this firmware is built with: 1 or 0, set by the build (CMake: -DFW_SENSORS="bme280;scd30",
 * -DFW_INFLUX=ON, -DFW_COMMANDS=OFF). Constants in plain conditions, not #if: everything is always
 * compiled and checked, and what is not wanted is not linked. bench/features prints what each
 * costs.
 */

/* Drivers. A sensor that the factory names and this firmware does not have fails the self-test. */
#ifndef FW_BME280
#define FW_BME280 1
#endif
#ifndef FW_SCD30
#define FW_SCD30 1
#endif
#ifndef FW_SDS011
#define FW_SDS011 1
#endif

/* Readings as lines of the Influx protocol instead of JSON. */
#ifndef FW_INFLUX
#define FW_INFLUX 0
#endif

/* The commands beside update, abort and keys: config, reboot, rollback, renew, identify. Without,
 * they are answered `unsupported`. */
#ifndef FW_COMMANDS
#define FW_COMMANDS 1
#endif

#endif
