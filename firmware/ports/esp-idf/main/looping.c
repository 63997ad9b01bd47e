#include "looping.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"
#include "esp_system.h"

#include "ota/looping.h"

static const char TAG[] = "looping";

#define KEPT_MAGIC 0x6c6f6f70u

/* As the last run left it; anything after power-on. */
static RTC_NOINIT_ATTR struct kept {
    uint32_t magic;
    struct ota_looping row;
    uint32_t trial, lived; /* not bool: a bool that was never written may be neither */
} kept;

static void leave(struct slots *slots, enum reset_reason reset, const char *version,
                  struct ota_agent *scratch)
{
    struct ota_boot facts = {
        .reset = reset,
        .passive = slots_passive(slots),
        .version = version,
        .boot_id = "",
    };
    slots_digest(slots, facts.image);
    enum reason r = ota_agent_leave(scratch, &slots->port, &facts);
    ESP_LOGE(TAG, "keeps dying before its agent comes up: %s",
             r == REASON_NONE ? "back to the image before it" : reason_text(r));
    if (r == REASON_NONE)
        esp_restart();
}

void looping_start(struct slots *slots, enum reset_reason reset, const char *version,
                   struct ota_agent *scratch)
{
    bool trial = slots_on_probation(slots);
    if (kept.magic != KEPT_MAGIC || reset == RESET_POWERON)
        kept = (struct kept){ .magic = KEPT_MAGIC };
    bool enough = ota_looping_count(&kept.row, reset, kept.trial != 0, kept.lived != 0);
    kept.trial = trial;
    kept.lived = 0;
    if (enough && !trial)
        leave(slots, reset, version, scratch);
}

void looping_lived(void)
{
    kept.lived = 1;
}
