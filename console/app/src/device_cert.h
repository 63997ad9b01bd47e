#ifndef APP_DEVICE_CERT_H
#define APP_DEVICE_CERT_H

#include "fleet/fleet.h"
#include "screens/trust.h"

#include "registry.h"

/*
 * The certificate of one device, as far as this host can know it: a copy of each that was made here
 * is in PKI/issued. `not_after` is what its status says (0: nothing): of several the one that ends
 * then, else the one made last. `registry` NULL: no authority here.
 */
void device_cert_find(struct registry *registry, const char *id, uint64_t not_after,
                      struct ui_device_cert *out);

/* The same for the device on the screen, looked for again when that changes and every two seconds.
 * `id` "": none is. True when *picture is another one now. */
struct device_cert {
    struct ui_device_cert picture;
    uint64_t not_after;
    int64_t read_ms;
};
bool device_cert_work(struct device_cert *c, struct registry *registry, const struct fleet *fleet,
                      const char *id, int64_t now_ms);

#endif
