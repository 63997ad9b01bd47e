/* The engine interface is deprecated in OpenSSL 3, and the only way to a token that Debian 12 has:
 * its libp11 is an engine (libengine-pkcs11-openssl), the provider that follows it came with
 * Debian 13. This file alone knows. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>

enum { URI_MAX = 512, PIN_MAX = 256 };
#define SCHEME "pkcs11:"

/* CKR_… of PKCS#11, as libp11 puts them into OpenSSL's queue. */
enum { CKR_PIN_FIRST = 0xA0, CKR_PIN_LAST = 0xA4, CKR_USER_PIN_NOT_INITIALIZED = 0x102 };

bool token_is_uri(const char *source)
{
    return strncmp(source, SCHEME, sizeof(SCHEME) - 1) == 0;
}

/* What is for us and what is for the engine. */
struct uri {
    char object[URI_MAX]; /* without the query */
    char module[URI_MAX], pin_source[URI_MAX];
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoded copy of a query value; false when it does not fit or is malformed. */
static bool copy_value(char *out, const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++, n++) {
        if (n + 1 >= URI_MAX)
            return false;
        out[n] = text[i];
        if (text[i] != '%')
            continue;
        int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
        int low = high < 0 ? -1 : hex_digit(text[i + 2]);
        if (low < 0 || (high | low) == 0)
            return false;
        out[n] = (char)(high << 4 | low);
        i += 2;
    }
    out[n] = '\0';
    return true;
}

static bool starts(const char *text, size_t len, const char *name)
{
    return len >= strlen(name) && memcmp(text, name, strlen(name)) == 0;
}

/* A PIN in the URI would be in the profile, in argv and in the shell's history. */
static enum ossl_error split(const char *text, struct uri *out)
{
    const char *query = strchr(text, '?');
    size_t len = query ? (size_t)(query - text) : strlen(text);

    memset(out, 0, sizeof(*out));
    if (len >= URI_MAX)
        return OSSL_TOKEN_URI;
    memcpy(out->object, text, len);
    if (strstr(text, "pin-value="))
        return OSSL_TOKEN_PIN_SHOWN;
    while (query) {
        const char *part = query + 1;
        query = strchr(part, '&');
        len = query ? (size_t)(query - part) : strlen(part);
        char *to = starts(part, len, "module-path=")  ? out->module
                   : starts(part, len, "pin-source=") ? out->pin_source
                                                      : NULL;
        size_t name = strcspn(part, "=") + 1;
        if (to && !copy_value(to, part + name, len - name))
            return OSSL_TOKEN_URI;
    }
    return OSSL_OK;
}

/* The first line of a file. */
static enum ossl_error pin_of_file(const char *path, char pin[PIN_MAX])
{
    FILE *f = fopen(path, "r");
    if (!f)
        return OSSL_TOKEN_PIN_FILE;
    char *line = fgets(pin, PIN_MAX, f);
    int why = errno;
    (void)fclose(f);
    errno = why;
    if (!line)
        return OSSL_TOKEN_PIN_FILE;
    pin[strcspn(pin, "\r\n")] = '\0';
    return OSSL_OK;
}

/* By pin-source (file:/path, /path), else MUSTER_PIN; an empty one is a token without login. */
static enum ossl_error find_pin(const struct uri *u, char pin[PIN_MAX])
{
    const char *source = u->pin_source, *env = getenv("MUSTER_PIN");

    pin[0] = '\0';
    if (source[0])
        return pin_of_file(strncmp(source, "file:", 5) == 0 ? source + 5 : source, pin);
    if (env && strlen(env) < PIN_MAX)
        memcpy(pin, env, strlen(env) + 1);
    return OSSL_OK;
}

static bool set(ENGINE *e, const char *command, const char *value)
{
    return ENGINE_ctrl_cmd_string(e, command, value, 0) == 1;
}

/* Why there is no key, from what libp11 left in the queue. */
static enum ossl_error why_not(bool had_pin)
{
    enum ossl_error error = OSSL_TOKEN_KEY;
    unsigned long code;

    while ((code = ERR_get_error()) != 0) {
        int reason = ERR_GET_REASON(code);
        if ((reason >= CKR_PIN_FIRST && reason <= CKR_PIN_LAST) ||
            reason == CKR_USER_PIN_NOT_INITIALIZED)
            error = had_pin ? OSSL_TOKEN_PIN : OSSL_TOKEN_NO_PIN;
    }
    return error == OSSL_TOKEN_KEY && !had_pin ? OSSL_TOKEN_NO_PIN : error;
}

/* Fails, so that no login is tried: an empty PIN would count as a wrong one, and three of those
 * lock a token. */
static int ask_nobody(UI *ui)
{
    (void)ui;
    return 0;
}

static EVP_PKEY *load_silently(ENGINE *e, const char *object)
{
    UI_METHOD *silent = UI_create_method("muster");
    EVP_PKEY *key = NULL;

    if (silent && UI_method_set_opener(silent, ask_nobody) == 0)
        key = ENGINE_load_private_key(e, object, silent, NULL);
    UI_destroy_method(silent);
    return key;
}

static enum ossl_error load_by(ENGINE *e, const struct uri *u, const char *pin, EVP_PKEY **out)
{
    /* The engine takes any path, and loads it only when it needs it. */
    if (u->module[0] && (access(u->module, R_OK) != 0 || !set(e, "MODULE_PATH", u->module)))
        return OSSL_TOKEN_MODULE;
    if (!ENGINE_init(e))
        return OSSL_TOKEN_MODULE;
    (void)ENGINE_ctrl_cmd_string(e, "QUIET", NULL, 1);
    if (pin[0] && !set(e, "PIN", pin)) {
        (void)ENGINE_finish(e);
        return OSSL_FAILED;
    }
    ERR_clear_error();
    *out = load_silently(e, u->object);
    enum ossl_error error = *out ? OSSL_OK : why_not(pin[0] != '\0');
    (void)ENGINE_finish(e); /* the key keeps its own hold */
    return error;
}

enum ossl_error token_load(const char *text, EVP_PKEY **out)
{
    struct uri u;
    char pin[PIN_MAX];
    enum ossl_error error = split(text, &u);

    *out = NULL;
    if (error == OSSL_OK)
        error = find_pin(&u, pin);
    if (error != OSSL_OK)
        return error;
    ENGINE *e = ENGINE_by_id("pkcs11");
    error = e ? load_by(e, &u, pin, out) : OSSL_TOKEN_ENGINE;
    OPENSSL_cleanse(pin, sizeof(pin));
    (void)ENGINE_free(e);
    ERR_clear_error();
    return error;
}
