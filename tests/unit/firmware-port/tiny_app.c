/*
 * The program inside the bootloader test's images. Each start appends "slot trial reset" to
 * DIR/starts and does what the so-manyth word of DIR/script says; after the last one it has the
 * bootloader switched off.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "port/facts.h"
#include "port/slots.h"

static int count_starts(const char *dir, const struct facts *facts)
{
    char path[PORT_PATH_MAX + 16], line[80];
    int n = 0;
    snprintf(path, sizeof(path), "%s/starts", dir);
    FILE *f = fopen(path, "a+");
    if (!f)
        exit(1);
    rewind(f);
    while (fgets(line, sizeof(line), f))
        n++;
    fprintf(f, "%u %d %s\n", (unsigned)facts->slot, facts->trial, reset_word(facts->reset));
    fclose(f);
    return n;
}

static void read_action(const char *dir, int n, char out[16])
{
    char path[PORT_PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/script", dir);
    FILE *f = fopen(path, "r");
    snprintf(out, 16, "off");
    for (int i = 0; f && i <= n; i++)
        if (fscanf(f, "%15s", out) != 1) {
            snprintf(out, 16, "off");
            break;
        }
    if (f)
        fclose(f);
}

static void change_otadata(const struct facts *facts, bool mark)
{
    char path[PORT_PATH_MAX + 16];
    struct flash_file file;
    struct esp_partition_table table;
    struct slots slots;
    struct otadata o;
    enum esp_fault fault;
    bool ok;
    snprintf(path, sizeof(path), "%s/flash.bin", facts->dir);
    if (flash_file_open(&file, path) || flash_read_table(&file.flash, &table, &fault) ||
        slots_init(&slots, &file.flash, &table) || slots_read(&slots, &o))
        exit(1);
    struct otadata_write w = mark ? otadata_mark(&o, facts->slot, slots.count, true, &ok)
                                  : otadata_switch(&o, 1 - facts->slot, slots.count);
    if (w.sector >= 0 && slots_write(&slots, &w))
        exit(1);
}

static void good_bye(int sig)
{
    (void)sig;
    _exit(0);
}

int main(void)
{
    struct facts facts;
    char action[16];
    if (facts_import(&facts))
        return 1;
    signal(SIGTERM, good_bye);
    read_action(facts.dir, count_starts(facts.dir, &facts), action);
    printf("tiny: %s\n", action);
    fflush(stdout);

    if (strcmp(action, "crash") == 0)
        raise(SIGSEGV);
    if (strcmp(action, "fail") == 0)
        return 1;
    if (strcmp(action, "power") == 0)
        raise(SIGKILL);
    if (strcmp(action, "switch") == 0)
        change_otadata(&facts, false);
    if (strcmp(action, "valid") == 0)
        change_otadata(&facts, true);
    if (strcmp(action, "off") == 0)
        kill(facts.parent, SIGTERM);
    if (strcmp(action, "off") == 0 || strcmp(action, "hang") == 0)
        for (;;)
            pause();
    return PORT_EXIT_REBOOT;
}
