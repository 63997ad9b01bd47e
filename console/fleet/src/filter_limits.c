/* Which limits a filter sets for readings: for the plot, and for the text of an alert. */
#include "filter.h"

size_t filter_limits(const struct filter *f, const struct fleet *fleet, struct filter_limit *out,
                     size_t cap)
{
    size_t n = 0;

    for (uint32_t i = 0; i < f->term_count && n < cap; i++) {
        const struct term *t = &f->term[i];
        bool above = t->compare == CMP_GT || t->compare == CMP_GE;
        bool below = t->compare == CMP_LT || t->compare == CMP_LE;
        if (t->field != FIELD_READING || t->count != 1 || (!above && !below))
            continue;
        uint32_t reading = fleet_reading_find(fleet, t->reading);
        const struct filter_value *v = &f->value[t->first];
        if (reading == FLEET_NONE)
            continue;
        double scale = v->shown ? fleet_reading(fleet, reading)->scale : 1;
        out[n++] =
            (struct filter_limit){ .reading = reading,
                                   .above = above,
                                   .value = v->number / (scale > 0 || scale < 0 ? scale : 1) };
    }
    return n;
}
