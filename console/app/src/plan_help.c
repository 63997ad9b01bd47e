#include "plan_help.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "planning.h"
#include "templates.h"
#include "zone_file.h"

#define ZONES_MAX 16 /* kept; a further one takes the place of the first */

struct known_zone {
    char name[ZONE_NAME_MAX];
    bool there;
    struct zone rules;
};

struct plan_help {
    struct store *store;
    struct ui_template template[PLAN_HELP_TEMPLATES];
    size_t template_count;
    struct known_zone zone[ZONES_MAX];
    size_t zone_count;
    struct ui_lookup lookup;
};

static void mark(void *ctx, const char *image, struct plan_candidate *candidate, uint32_t count)
{
    struct plan_help *help = ctx;
    planning_mark(help->store, image, candidate, count);
}

static const struct zone *zone(void *ctx, const char *name)
{
    struct plan_help *help = ctx;

    for (size_t i = 0; i < help->zone_count; i++) {
        if (strcmp(help->zone[i].name, name) == 0)
            return help->zone[i].there ? &help->zone[i].rules : NULL;
    }
    struct known_zone *z = &help->zone[help->zone_count < ZONES_MAX ? help->zone_count++ : 0];
    struct err err;
    text_copy(z->name, sizeof(z->name), name);
    z->there = zone_load(&z->rules, NULL, name, &err) == 0;
    return z->there ? &z->rules : NULL;
}

struct plan_help *plan_help_new(struct store *store)
{
    struct plan_help *help = mem_alloc(sizeof(*help));
    help->store = store;
    help->lookup = (struct ui_lookup){ .mark = mark, .zone = zone, .ctx = help };
    return help;
}

void plan_help_free(struct plan_help *help)
{
    free(help);
}

void plan_help_refresh(struct plan_help *help)
{
    char **names;
    struct err err;
    int n = template_list(&names, &err);

    if (n < 0)
        return;
    help->template_count = 0;
    for (int i = 0; i < n && help->template_count < PLAN_HELP_TEMPLATES; i++) {
        struct ui_template *t = &help->template[help->template_count];
        if (template_load(names[i], &t->plan, &err) == 0 &&
            text_copy(t->name, sizeof(t->name), names[i]))
            help->template_count++;
    }
    template_list_free(names, n);
}

void plan_help_model(struct plan_help *help, struct ui_model *m)
{
    m->templates = help->template;
    m->template_count = help->template_count;
    m->lookup = &help->lookup;
}
