#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rollout_json/plan_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted is a plan that passes its check and comes back from its own JSON the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rollout_plan plan, again;
    struct err err;

    if (plan_decode((const char *)data, size, &plan, &err) != 0)
        return 0;
    if (plan_check(&plan, &err) != 0)
        abort();
    char *text = plan_encode(&plan);
    if (plan_decode(text, strlen(text), &again, &err) != 0 ||
        again.stage_count != plan.stage_count || strcmp(again.target, plan.target) != 0 ||
        again.stage[plan.stage_count - 1].share_ppm != plan.stage[plan.stage_count - 1].share_ppm)
        abort();
    free(text);
    return 0;
}
