#include "drivers/bus.h"

const char *drv_err_text(enum drv_err err)
{
    static const char *const text[DRV_ERR_COUNT] = {
#define X(name, words) [DRV_##name] = (words),
        DRV_MAP(X)
#undef X
    };

    return (unsigned)err < DRV_ERR_COUNT ? text[err] : "unknown error";
}

enum drv_err drv_from_bus(enum bus_err err)
{
    switch (err) {
    case BUS_OK:
        return DRV_OK;
    case BUS_NACK:
        return DRV_ABSENT;
    case BUS_TIMEOUT:
        return DRV_TIMEOUT;
    case BUS_IO:
        break;
    }
    return DRV_IO;
}
