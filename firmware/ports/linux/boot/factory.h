#ifndef BOOT_FACTORY_H
#define BOOT_FACTORY_H

#include "port/fail.h"

/*
 * Make DIR/flash.bin as a factory would: partition table, NVS from a CSV, the image in ota_0, all
 * else erased. DIR is made if it is not there. An older flash.bin is replaced in one step, at the
 * end. 0, or -1 and *why.
 */
int factory_flash(const char *dir, const char *image_path, const char *nvs_path,
                  struct port_fail *why);

#endif
