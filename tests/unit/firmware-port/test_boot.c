#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "csv.h"
#include "factory.h"
#include "logfile.h"
#include "port/facts.h"
#include "port/slots.h"
#include "supervise.h"

static const char *tiny; /* path of tiny_app */
static char dir[64];
static uint8_t image[0x1c0000];
static size_t image_len;

static void sha256(void *ctx, const void *data, size_t len, uint8_t out[PROTO_SHA256_LEN])
{
    (void)ctx;
    assert_true(EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1);
}

static void write_file(const char *name, const void *data, size_t len)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static const char *read_text(const char *name)
{
    static char text[8192];
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    text[n] = '\0';
    if (f)
        fclose(f);
    return text;
}

static void build_image(void)
{
    static uint8_t elf[0x180000];
    const struct crypto crypto = { .sha256 = sha256 };
    const struct esp_app_desc desc = { .project = "tiny", .version = "1.0.0" };
    FILE *f = fopen(tiny, "r");
    assert_non_null(f);
    size_t n = fread(elf, 1, sizeof(elf), f);
    assert_true(n > 0 && n < sizeof(elf));
    fclose(f);
    assert_int_equal(
        esp_linux_image_build(&desc, elf, n, &crypto, image, sizeof(image), &image_len), 0);
}

static const char csv[] = "key,type,encoding,value\n"
                          "factory,namespace,,\n"
                          "id,data,string,tiny-1\n"
                          "broker_port,data,u16,18883\n";

/* A device whose two slots hold the same image. */
static int make_device(void **state)
{
    char path[128], nvs[128];
    struct port_fail why = { "" };
    struct flash_file file;
    struct esp_partition_table table;
    (void)state;

    snprintf(dir, sizeof(dir), "/tmp/muster-boot-XXXXXX");
    assert_non_null(mkdtemp(dir));
    write_file("image.bin", image, image_len);
    write_file("nvs.csv", csv, sizeof(csv) - 1);
    snprintf(path, sizeof(path), "%s/image.bin", dir);
    snprintf(nvs, sizeof(nvs), "%s/nvs.csv", dir);
    if (factory_flash(dir, path, nvs, &why))
        fail_msg("%s", why.text);
    snprintf(path, sizeof(path), "%s/flash.bin", dir);
    assert_int_equal(flash_file_open(&file, path), 0);
    flash_layout(&table);
    uint32_t at = esp_partition_by_label(&table, "ota_1")->offset;
    assert_int_equal(file.flash.write(&file, at, image, image_len), 0);
    flash_file_close(&file);
    return 0;
}

static int remove_device(void **state)
{
    static const char *const names[] = { "flash.bin", "image.bin", "nvs.csv", "script",
                                         "starts",    "log",       "log.1",   "device.pid" };
    char path[128];
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

static pid_t start_device(const char *script, uint16_t watchdog_s)
{
    write_file("script", script, strlen(script));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct port_fail why = { "" };
        const struct device_options options = { .dir = dir, .watchdog_s = watchdog_s };
        alarm(240);
        _exit((int)device_run(&options, &why));
    }
    return pid;
}

/* Exit code of a whole life. */
static int run_device(const char *script)
{
    int status;
    /* Where nobody hangs, a loaded machine may take its time. */
    pid_t pid = start_device(script, strstr(script, "hang") ? 1 : 60);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void spoil(const char *label, uint32_t offset)
{
    char path[128];
    struct flash_file file;
    struct esp_partition_table table;
    static const uint8_t zero[64];
    snprintf(path, sizeof(path), "%s/flash.bin", dir);
    assert_int_equal(flash_file_open(&file, path), 0);
    flash_layout(&table);
    uint32_t at = esp_partition_by_label(&table, label)->offset + offset;
    assert_int_equal(file.flash.write(&file, at, zero, sizeof(zero)), 0);
    flash_file_close(&file);
}

static void a_new_device_boots_ota_0_and_a_restart_is_software(void **state)
{
    (void)state;

    assert_int_equal(run_device("reboot"), DEVICE_STOPPED);

    assert_string_equal(read_text("starts"), "0 0 poweron\n0 0 software\n");
    assert_non_null(strstr(read_text("log"), "starting tiny 1.0.0 from ota_0"));
    assert_non_null(strstr(read_text("log"), "tiny: reboot\n"));
}

static void a_new_image_that_crashes_gets_no_second_boot(void **state)
{
    (void)state;

    assert_int_equal(run_device("switch crash"), DEVICE_STOPPED);

    assert_string_equal(read_text("starts"), "0 0 poweron\n1 1 software\n0 0 panic\n");
}

static void a_new_image_that_restarts_unproved_is_left_too(void **state)
{
    (void)state;

    assert_int_equal(run_device("switch reboot"), DEVICE_STOPPED);

    assert_string_equal(read_text("starts"), "0 0 poweron\n1 1 software\n0 0 software\n");
}

static void a_new_image_that_proved_itself_stays(void **state)
{
    (void)state;

    assert_int_equal(run_device("switch valid"), DEVICE_STOPPED);
    assert_int_equal(run_device("switch valid power"), DEVICE_STOPPED);

    assert_string_equal(read_text("starts"), "0 0 poweron\n1 1 software\n1 0 software\n"
                                             "1 0 poweron\n");
}

static void a_hang_is_ended_by_the_watchdog(void **state)
{
    (void)state;

    assert_int_equal(run_device("switch hang"), DEVICE_STOPPED);

    assert_string_equal(read_text("starts"), "0 0 poweron\n1 1 software\n0 0 watchdog\n");
}

static void a_killed_program_had_its_power_cut(void **state)
{
    (void)state;

    assert_int_equal(run_device("power fail"), DEVICE_STOPPED);

    assert_string_equal(read_text("starts"), "0 0 poweron\n0 0 poweron\n0 0 panic\n");
}

static void a_spoiled_image_is_not_started(void **state)
{
    (void)state;

    spoil("ota_1", 0x1000);
    assert_int_equal(run_device("switch"), DEVICE_STOPPED);

    assert_string_equal(read_text("starts"), "0 0 poweron\n0 0 software\n");
    assert_non_null(strstr(read_text("log"), "ota_1 passed over: its image checksum"));
}

static void without_a_whole_image_the_device_says_so(void **state)
{
    (void)state;

    spoil("ota_0", 0x1000);
    spoil("ota_1", 0);

    assert_int_equal(run_device(""), DEVICE_NO_IMAGE);
    assert_string_equal(read_text("starts"), "");
    assert_non_null(strstr(read_text("log"), "no slot holds an image"));
}

static void wait_for_start(void)
{
    const struct timespec t = { 0, 10000000 };
    for (int i = 0; i < 12000 && *read_text("starts") == '\0'; i++)
        nanosleep(&t, NULL);
}

static void one_folder_is_one_running_device(void **state)
{
    int status;
    (void)state;

    pid_t pid = start_device("hang", 60);
    wait_for_start();
    assert_int_equal(run_device("hang"), DEVICE_FAILED);

    assert_int_equal(strtol(read_text("device.pid"), NULL, 10), pid);
    kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == DEVICE_STOPPED);
}

/* Pid of the program: the child of the bootloader, from /proc. */
static long child_of(pid_t pid)
{
    char path[64];
    long child = 0;
    snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld", &child), 1);
    fclose(f);
    return child;
}

static void a_killed_bootloader_takes_the_program_with_it(void **state)
{
    const struct timespec t = { 0, 10000000 };
    (void)state;

    pid_t pid = start_device("hang", 60);
    wait_for_start();
    pid_t program = (pid_t)child_of(pid);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    int gone = 0;
    for (int i = 0; i < 12000 && !gone; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%ld/exe", (long)program);
        char target[16];
        gone = readlink(path, target, sizeof(target)) < 0;
        nanosleep(&t, NULL);
    }

    assert_true(gone);
}

static void the_end_of_a_program_is_a_reset_reason(void **state)
{
    uint32_t quick = 0, last = 0;
    (void)state;

    assert_int_equal(device_reset_of(PORT_EXIT_REBOOT << 8, false), RESET_SOFTWARE);
    assert_int_equal(device_reset_of(1 << 8, false), RESET_PANIC);
    assert_int_equal(device_reset_of(SIGABRT, false), RESET_PANIC);
    assert_int_equal(device_reset_of(SIGKILL, false), RESET_POWERON);
    assert_int_equal(device_reset_of(SIGKILL, true), RESET_WATCHDOG);

    for (int i = 0; i < 20; i++) {
        uint32_t pause = device_pause_ms(RESET_PANIC, 100, &quick);
        assert_true(pause >= last && pause <= 30000);
        last = pause;
    }
    assert_int_equal(last, 30000);
    assert_true(device_pause_ms(RESET_PANIC, 60000, &quick) < 1000);
    for (int i = 0; i < 4; i++)
        assert_true(device_pause_ms(RESET_SOFTWARE, 100, &quick) < 1000);
}

static long size_of(const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return stat(path, &st) ? -1 : (long)st.st_size;
}

static void the_log_has_a_bound_and_loses_its_oldest_part(void **state)
{
    static struct logfile log;
    (void)state;

    logfile_open(&log, dir, false);
    for (unsigned i = 0; i < 20000; i++)
        logfile_say(&log, "line %u", i);
    logfile_close(&log);

    assert_in_range(size_of("log"), 1, LOGFILE_MAX);
    assert_in_range(size_of("log.1"), LOGFILE_MAX / 2, LOGFILE_MAX);
    logfile_open(&log, dir, false); /* a restart goes on behind the last line */
    long before = size_of("log");
    logfile_say(&log, "%s", "one more");
    logfile_close(&log);
    assert_true(size_of("log") > before);
}

static void facts_pass_through_the_environment(void **state)
{
    const struct facts in = { .dir = "/d",
                              .reset = RESET_WATCHDOG,
                              .slot = 1,
                              .trial = true,
                              .security = UINT32_MAX,
                              .boot = "0123456789abcdef",
                              .image = "00ff",
                              .watchdog_fd = 7,
                              .parent = 42 };
    struct facts out;
    (void)state;

    assert_int_equal(facts_export(&in), 0);
    assert_int_equal(facts_import(&out), 0);

    assert_string_equal(out.dir, "/d");
    assert_true(out.reset == RESET_WATCHDOG && out.slot == 1 && out.trial);
    assert_true(out.security == UINT32_MAX && out.watchdog_fd == 7 && out.parent == 42);
    assert_string_equal(out.boot, in.boot);
    assert_string_equal(out.image, in.image);
    setenv("MUSTER_DEVICE_SLOT", "2", 1);
    assert_int_equal(facts_import(&out), -1);
}

/* ---- factory ---- */

static int next(const char *text, struct csv_row *row, const char **why)
{
    struct csv c;
    if (csv_begin(&c, text, strlen(text), why))
        return -1;
    int rc = csv_next(&c, row, why);
    return rc;
}

#define HEAD "key,type,encoding,value\nfactory,namespace,,\n"

static void a_quoted_value_keeps_its_lines_commas_and_quotes(void **state)
{
    static struct csv_row row;
    const char *why;
    (void)state;

    assert_int_equal(next(HEAD "cert,data,string,\"-----BEGIN,\nAA==\n\"\"-----\n\"\n", &row, &why),
                     1);
    assert_string_equal(row.ns, "factory");
    assert_string_equal(row.key, "cert");
    assert_string_equal(row.value, "-----BEGIN,\nAA==\n\"-----\n");

    assert_int_equal(next("# made by hand\r\nkey,type,encoding,value\r\nfactory,namespace,,\r\n\r\n"
                          "port,data,u16,18883\r\n",
                          &row, &why),
                     1);
    assert_int_equal(row.type, NVS_U32);
    assert_int_equal(row.number, 18883);
    assert_int_equal(next(HEAD "k,data,hex2bin,00ff\n", &row, &why), 1);
    assert_int_equal(row.type, NVS_BLOB);
    assert_int_equal(row.len, 2);
    assert_int_equal(next(HEAD, &row, &why), 0);
}

static void a_malformed_row_is_refused(void **state)
{
    static const char *const bad[] = { "",
                                       "id,data,string,x\n",
                                       "key,type,encoding,value\nid,data,string,x\n",
                                       HEAD "id,data,string,\"x\n",
                                       HEAD "id,data,string,x,y\n",
                                       HEAD "id,data\n",
                                       HEAD "id,file,string,x\n",
                                       HEAD "id,data,u8,256\n",
                                       HEAD "id,data,u16,-1\n",
                                       HEAD "id,data,u16,1x\n",
                                       HEAD "id,data,float,1\n",
                                       HEAD "id,data,hex2bin,0g\n",
                                       HEAD "sixteen__letters,data,string,x\n",
                                       HEAD ",data,string,x\n" };
    static struct csv_row row;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *why = NULL;
        if (next(bad[i], &row, &why) != -1 || !why)
            fail_msg("row %zu was taken", i);
    }
}

static void the_factory_refuses_what_would_not_boot(void **state)
{
    char path[128], nvs[128];
    struct port_fail why = { "" };
    (void)state;

    snprintf(path, sizeof(path), "%s/image.bin", dir);
    snprintf(nvs, sizeof(nvs), "%s/nvs.csv", dir);
    image[image_len - 1] ^= 1;
    write_file("image.bin", image, image_len);
    image[image_len - 1] ^= 1;

    assert_int_equal(factory_flash(dir, path, nvs, &why), -1);
    assert_non_null(strstr(why.text, "SHA-256 does not match"));

    write_file("image.bin", image, image_len);
    write_file("nvs.csv", HEAD "id,data,u8,300\n", sizeof(HEAD "id,data,u8,300\n") - 1);
    assert_int_equal(factory_flash(dir, path, nvs, &why), -1);
    assert_non_null(strstr(why.text, "line 3"));
    assert_int_equal(run_device(""), DEVICE_STOPPED); /* the old flash is as it was */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_device_boots_ota_0_and_a_restart_is_software,
                                        make_device, remove_device),
        cmocka_unit_test_setup_teardown(a_new_image_that_crashes_gets_no_second_boot, make_device,
                                        remove_device),
        cmocka_unit_test_setup_teardown(a_new_image_that_restarts_unproved_is_left_too, make_device,
                                        remove_device),
        cmocka_unit_test_setup_teardown(a_new_image_that_proved_itself_stays, make_device,
                                        remove_device),
        cmocka_unit_test_setup_teardown(a_hang_is_ended_by_the_watchdog, make_device,
                                        remove_device),
        cmocka_unit_test_setup_teardown(a_killed_program_had_its_power_cut, make_device,
                                        remove_device),
        cmocka_unit_test_setup_teardown(a_spoiled_image_is_not_started, make_device, remove_device),
        cmocka_unit_test_setup_teardown(without_a_whole_image_the_device_says_so, make_device,
                                        remove_device),
        cmocka_unit_test_setup_teardown(one_folder_is_one_running_device, make_device,
                                        remove_device),
        cmocka_unit_test_setup_teardown(a_killed_bootloader_takes_the_program_with_it, make_device,
                                        remove_device),
        cmocka_unit_test(the_end_of_a_program_is_a_reset_reason),
        cmocka_unit_test_setup_teardown(the_log_has_a_bound_and_loses_its_oldest_part, make_device,
                                        remove_device),
        cmocka_unit_test(facts_pass_through_the_environment),
        cmocka_unit_test(a_quoted_value_keeps_its_lines_commas_and_quotes),
        cmocka_unit_test(a_malformed_row_is_refused),
        cmocka_unit_test_setup_teardown(the_factory_refuses_what_would_not_boot, make_device,
                                        remove_device),
    };
    if (argc != 2)
        return 2;
    tiny = argv[1];
    build_image();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
