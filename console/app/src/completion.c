#include "completion.h"

#include <string.h>

#include "commands.h"
#include "complete_place.h"

/* One command after another, through all tables. */
static const struct command *next(size_t *table, size_t *row)
{
    for (; app_command_tables[*table]; (*table)++, *row = 0)
        if (app_command_tables[*table][*row].name)
            return &app_command_tables[*table][(*row)++];
    return NULL;
}

/* Texts go between quotes of a shell that `'` ends. */
static void quoted(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    }
}

static bool is_first_word(const struct command *c, const char *word, size_t len)
{
    return strncmp(c->name, word, len) == 0 && (c->name[len] == '\0' || c->name[len] == ' ');
}

/* Has an earlier command the same first word? Then that was said. */
static bool said_before(const struct command *c)
{
    size_t table = 0, row = 0, len = strcspn(c->name, " ");
    const struct command *before;

    while ((before = next(&table, &row)) != c)
        if (is_first_word(before, c->name, len))
            return true;
    return false;
}

/* ---- bash ------------------------------------------------------------------------------------ */

static void bash_words(FILE *out, const struct command *c)
{
    for (const struct option *o = c->options; o && o->name; o++)
        fprintf(out, "--%s ", o->name);
    for (const struct option *o = cmd_common_options; o->name; o++)
        fprintf(out, "--%s ", o->name);
}

/* Two words are asked before one: "alerts ack" is not "alerts". */
static void bash_cases(FILE *out, bool two)
{
    size_t table = 0, row = 0;
    const struct command *c;

    while ((c = next(&table, &row))) {
        if ((strchr(c->name, ' ') != NULL) != two)
            continue;
        fprintf(out, "    *\" %s \"*) words=\"", c->name);
        bash_words(out, c);
        fputs("\" values=\" ", out);
        for (const struct option *o = c->options; o && o->name; o++)
            if (o->arg)
                fprintf(out, "--%s ", o->name);
        fprintf(out, "\"%s ;;\n", complete_asks(c) ? " asks=1" : "");
    }
}

static void bash_seconds(FILE *out)
{
    size_t table = 0, row = 0;
    const struct command *c;

    while ((c = next(&table, &row))) {
        size_t len = strcspn(c->name, " ");
        if (said_before(c))
            continue;
        size_t t = 0, r = 0;
        const struct command *other;
        bool any = false;
        while ((other = next(&t, &r))) {
            if (!is_first_word(other, c->name, len) || !other->name[len])
                continue;
            if (!any)
                fprintf(out, "    %.*s) words=\"$words", (int)len, c->name);
            any = true;
            fprintf(out, " %s", other->name + len + 1);
        }
        if (any)
            fputs("\" ;;\n", out);
    }
}

static void bash_firsts(FILE *out)
{
    size_t table = 0, row = 0;
    const struct command *c;

    while ((c = next(&table, &row)))
        if (!said_before(c))
            fprintf(out, "%.*s ", (int)strcspn(c->name, " "), c->name);
}

/*
 * Names that the program knows: `all` are the words as they stand in the line, because bash cuts
 * them at = : @, and what is put in is the part from the last of those on. Nothing of an answer is
 * ever expanded.
 */
static const char bash_ask[] =
    "_muster_ask()\n{\n"
    "    local -a all=() found=()\n"
    "    local i word bare out full head=\n"
    "    local rest=${COMP_LINE:0:COMP_POINT}\n"
    "    for ((i = 0; i <= COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]} bare=${rest#\"${rest%%[![:space:]]*}\"}\n"
    "        if [ -z \"${COMP_LINE-}\" ] || [ $i = 0 ] || [ \"$bare\" != \"$rest\" ]; then\n"
    "            all+=(\"$word\")\n"
    "        else\n"
    "            all[${#all[@]}-1]+=$word\n"
    "        fi\n"
    "        rest=${bare#\"$word\"}\n"
    "    done\n"
    "    full=${all[${#all[@]}-1]}\n"
    "    out=$(\"${COMP_WORDS[0]}\" complete -- \"${all[@]:1}\" 2>/dev/null) || return 1\n"
    "    for ((i = ${#full} - 1; i >= 0; i--)); do\n"
    "        case $COMP_WORDBREAKS in *\"${full:i:1}\"*) ;; *) continue ;; esac\n"
    "        case ${full:i:1} in\n"
    "        [:=]) head=${full:0:i+1}; break ;;\n"
    "        @) head=${full:0:i}; break ;; # readline counts it to the word behind it\n"
    "        esac\n"
    "    done\n"
    "    COMPREPLY=()\n"
    "    [ -n \"$out\" ] || return 0\n"
    "    mapfile -t found <<<\"$out\"\n"
    "    for word in \"${found[@]}\"; do\n"
    "        case $word in *[!A-Za-z0-9._+@:-]*) ;; *) COMPREPLY+=(\"${word#\"$head\"}\") ;; esac\n"
    "    done\n}\n";

static void bash(FILE *out)
{
    fputs("# muster completion for bash: source it, or put it into bash-completion's folder\n",
          out);
    fputs(bash_ask, out);
    fputs("_muster()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local line=\" ${COMP_WORDS[*]:1:COMP_CWORD-1} \" words=\"\" values=\"\" asks=\n"
          "    case \"$line\" in\n",
          out);
    bash_cases(out, true);
    bash_cases(out, false);
    fputs("    *) words=\"--profile ", out);
    bash_firsts(out);
    fputs("\" ;;\n    esac\n", out);
    fputs("    if [ \"$prev\" = --profile ]; then\n"
          "        local dir=${XDG_CONFIG_HOME:-$HOME/.config}/muster\n"
          "        COMPREPLY=($(compgen -W \"$(cd \"$dir\" 2>/dev/null && printf '%s\\n' *.ini |"
          " sed -n 's/\\.ini$//p' | grep -v '\\*')\" -- \"$cur\") $(compgen -f -- \"$cur\"))\n"
          "        return\n    fi\n"
          "    [ -z \"$asks\" ] || case \"$cur\" in -*) ;; *) _muster_ask && return ;; esac\n"
          "    case \"$values\" in *\" $prev \"*)\n"
          "        COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n    esac\n",
          out);
    fputs("    case \"$prev\" in\n", out);
    bash_seconds(out);
    fputs("    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
          "    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}\n"
          "complete -F _muster muster\n",
          out);
}

/* ---- zsh ------------------------------------------------------------------------------------- */

/* In _arguments' specs a colon separates, and brackets end the text. */
static void zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr("[]:", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

/* `c`: whose options they are; NULL: every command's. */
static void zsh_options(FILE *out, const struct command *c, const struct option *o)
{
    for (; o && o->name; o++) {
        bool profile = strcmp(o->name, "profile") == 0;
        fprintf(out, " \\\n            '--%s[", o->name);
        zsh_text(out, o->help);
        bool asks = c && complete_kind_of(c, o->arg) != COMPLETE_NOTHING;
        fputs(profile  ? "]:profile:_muster_profiles'"
              : asks   ? "]:value:_muster_ask'"
              : o->arg ? "]:value:_files'"
                       : "]'",
              out);
    }
}

static void zsh_case(FILE *out, const struct command *c)
{
    fputs("        '", out);
    quoted(out, c->name);
    fprintf(out, "')\n            _arguments '*:argument:%s'",
            complete_asks(c) ? "_muster_ask" : "_files");
    zsh_options(out, c, c->options);
    zsh_options(out, NULL, cmd_common_options);
    fputs(" ;;\n", out);
}

/* "name:what it does", of a word of a command's name. */
static void zsh_item(FILE *out, const char *name, size_t len, const char *summary)
{
    fprintf(out, " \\\n            '%.*s", (int)len, name);
    if (summary) {
        fputc(':', out);
        quoted(out, summary);
    }
    fputc('\'', out);
}

static void zsh_firsts(FILE *out)
{
    size_t table = 0, row = 0;
    const struct command *c;

    fputs("    if (( ! $#given )) && [[ $PREFIX != -* ]]; then\n        list=(", out);
    while ((c = next(&table, &row))) {
        size_t len = strcspn(c->name, " ");
        if (!said_before(c))
            zsh_item(out, c->name, len, c->name[len] ? NULL : c->summary);
    }
    fputs(")\n        _describe command list\n        return\n    fi\n", out);
}

static void zsh_seconds(FILE *out)
{
    size_t table = 0, row = 0;
    const struct command *c, *other;

    fputs("    if (( $#given == 1 )) && [[ $PREFIX != -* ]]; then\n"
          "        case $given[1] in\n",
          out);
    while ((c = next(&table, &row))) {
        size_t len = strcspn(c->name, " "), t = 0, r = 0;
        if (said_before(c))
            continue;
        fprintf(out, "        %.*s) list=(", (int)len, c->name);
        while ((other = next(&t, &r)))
            if (is_first_word(other, c->name, len) && other->name[len])
                zsh_item(out, other->name + len + 1, strlen(other->name + len + 1), other->summary);
        fputs(") ;;\n", out);
    }
    fputs("        esac\n        (( $#list )) && _describe command list && return\n    fi\n", out);
}

/* The command's words are what stands before the cursor without options. */
static const char zsh_head[] =
    "#compdef muster\n# muster completion for zsh: put it as _muster into a folder of $fpath\n"
    "_muster_profiles()\n{\n    local -a names\n"
    "    names=(${XDG_CONFIG_HOME:-$HOME/.config}/muster/*.ini(N:t:r))\n"
    "    if [[ $PREFIX == */* ]] || (( ! $#names )); then _files; else compadd -a names; fi\n}\n"
    "_muster_ask()\n{\n    local out\n"
    "    out=$(\"${(Q)words[1]}\" complete -- \"${(@)words[2,CURRENT-1]}\" \"$PREFIX\" "
    "2>/dev/null) || { _files; return }\n"
    "    [[ -n $out ]] && compadd -- \"${(@f)out}\"\n}\n"
    "_muster()\n{\n    local -a given list\n    local word skip=\n"
    "    for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
    "        if [[ -n $skip ]]; then skip=; continue; fi\n"
    "        case $word in\n        --profile|--theme) skip=1 ;;\n        -*) ;;\n"
    "        *) given+=(\"$word\") ;;\n        esac\n    done\n"
    "    if [[ $words[CURRENT-1] == --profile ]]; then _muster_profiles; return; fi\n";

static void zsh(FILE *out)
{
    size_t table = 0, row = 0;
    const struct command *c;

    fputs(zsh_head, out);
    zsh_firsts(out);
    zsh_seconds(out);
    fputs("    case \"$given[1] $given[2]\" in\n", out);
    while ((c = next(&table, &row)))
        if (strchr(c->name, ' '))
            zsh_case(out, c);
    fputs("        *) case \"$given[1]\" in\n", out);
    for (table = row = 0; (c = next(&table, &row));)
        if (!strchr(c->name, ' '))
            zsh_case(out, c);
    fputs("        *) _arguments '*:argument:_files'", out);
    zsh_options(out, NULL, cmd_common_options);
    fputs(" ;;\n        esac ;;\n    esac\n}\ncompdef _muster muster\n", out);
}

/* ---- fish ------------------------------------------------------------------------------------ */

static void fish_options(FILE *out, const char *when, const struct command *c,
                         const struct option *o)
{
    for (; o && o->name; o++) {
        fprintf(out, "complete -c muster%s -l %s", when, o->name);
        if (o->letter)
            fprintf(out, " -s %c", o->letter);
        if (strcmp(o->name, "profile") == 0)
            fputs(" -a '(for f in $XDG_CONFIG_HOME/muster/*.ini ~/.config/muster/*.ini; basename "
                  "$f .ini; end)'",
                  out);
        if (c && complete_kind_of(c, o->arg) != COMPLETE_NOTHING)
            fputs(" -f -a '(__muster_ask)'", out);
        fputs(o->arg ? " -r -d '" : " -f -d '", out);
        quoted(out, o->help);
        fputs("'\n", out);
    }
}

static void fish_command(FILE *out, const struct command *c)
{
    char when[160];
    const char *second = strchr(c->name, ' ');
    int len = (int)strcspn(c->name, " ");

    if (second)
        snprintf(when, sizeof(when),
                 " -n '__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s'", len,
                 c->name, second + 1);
    else
        snprintf(when, sizeof(when), " -n '__fish_seen_subcommand_from %s'", c->name);
    if (second)
        fprintf(out, "complete -c muster -n '__fish_seen_subcommand_from %.*s' -a %s -d '", len,
                c->name, second + 1);
    else
        fprintf(out, "complete -c muster -n __fish_use_subcommand -f -a %s -d '", c->name);
    quoted(out, c->summary);
    fputs("'\n", out);
    if (complete_asks(c))
        fprintf(out, "complete -c muster%s -a '(__muster_ask)'\n", when);
    fish_options(out, when, c, c->options);
}

static void fish(FILE *out)
{
    size_t table = 0, row = 0;
    const struct command *c;

    fputs("# muster completion for fish: put it as muster.fish into ~/.config/fish/completions\n",
          out);
    fputs("function __muster_ask\n    set -l words (commandline -opc)\n"
          "    set -l current (commandline -ct)\n"
          "    command -q $words[1]; or return\n"
          "    $words[1] complete -- $words[2..-1] \"$current\" 2>/dev/null\nend\n",
          out);
    fish_options(out, "", NULL, cmd_common_options);
    while ((c = next(&table, &row))) {
        if (strchr(c->name, ' ') && !said_before(c))
            fprintf(out, "complete -c muster -n __fish_use_subcommand -f -a %.*s\n",
                    (int)strcspn(c->name, " "), c->name);
        fish_command(out, c);
    }
}

bool completion_write(const char *shell, FILE *out)
{
    static const struct {
        const char *name;
        void (*write)(FILE *out);
    } shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
        if (strcmp(shells[i].name, shell) == 0) {
            shells[i].write(out);
            return true;
        }
    return false;
}
