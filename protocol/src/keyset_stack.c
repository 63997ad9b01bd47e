#include "protocol/keyset.h"

/* For programs that have stack enough. */

enum reason keyset_open(const char *json, size_t len, struct keyset *out)
{
    union keyset_work work;
    return keyset_open_in(&work, json, len, out);
}

enum reason keyset_verify(const char *json, size_t len, const struct crypto *c,
                          const struct keyset *by)
{
    union keyset_work work;
    return keyset_verify_in(&work, json, len, c, by);
}

enum reason keyset_follows(const char *json, size_t len, const struct crypto *c,
                           const struct keyset *now, struct keyset *next)
{
    union keyset_work work;
    return keyset_follows_in(&work, json, len, c, now, next);
}
