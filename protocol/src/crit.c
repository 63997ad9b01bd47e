#include "crit.h"

static bool is_known(const struct json *j, int name, const struct field *known, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (json_equals(j, name, known[i].name))
            return true;
    return false;
}

bool crit_is_understood(struct json *j, const struct field *known, size_t count)
{
    int crit = json_member(j, JSON_ROOT, "crit");

    if (crit == JSON_NONE)
        return true;
    if (!json_is_array(j, crit))
        return false;
    for (int i = json_first(j, crit); i != JSON_NONE; i = json_next(j, i))
        if (!is_known(j, i, known, count))
            return false;
    return true;
}
