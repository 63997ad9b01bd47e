#include "identity.h"

#include <string.h>

#include "mbedtls/x509_crt.h"

#include "store.h"

int identity_load(struct identity *id, const char **why)
{
    id->ca = store_text("factory", "ca");
    id->cert = store_text("factory", "cert");
    id->key = store_text("factory", "key");
    if (id->ca && id->cert && id->key)
        return 0;
    *why = "factory keys `ca`, `cert` and `key` must be set: flash the device's NVS image";
    return -1;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant's method). */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

uint64_t identity_not_after(const struct identity *id)
{
    mbedtls_x509_crt chain;
    uint64_t out = 0;
    mbedtls_x509_crt_init(&chain);
    if (mbedtls_x509_crt_parse(&chain, (const unsigned char *)id->cert, strlen(id->cert) + 1) ==
        0) {
        const mbedtls_x509_time *t = &chain.valid_to;
        int64_t s =
            days_of(t->year, t->mon, t->day) * 86400 + t->hour * 3600 + t->min * 60 + t->sec;
        out = s > 0 ? (uint64_t)s : 0;
    }
    mbedtls_x509_crt_free(&chain);
    return out;
}
