#include "ota/looping.h"

bool ota_looping_count(struct ota_looping *l, enum reset_reason reset, bool trial, bool lived)
{
    uint32_t limit = l->limit ? l->limit : OTA_LOOPING_LIMIT;

    if (lived && !trial)
        *l = (struct ota_looping){ 0 };
    if (trial || lived || (reset != RESET_PANIC && reset != RESET_WATCHDOG))
        return false;
    if (++l->count < limit)
        return false;
    l->count = 0;
    l->limit = 2 * limit < OTA_LOOPING_LIMIT_MAX ? 2 * limit : OTA_LOOPING_LIMIT_MAX;
    return true;
}
