/* SPDX-License-Identifier: MIT
 *
 * Asking for a password: on the terminal itself, whatever standard input and output are, and
 * without showing it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "binding.h"

#define PASSWORD_MAXIMUM 1024

typedef enum password_end { PASSWORD_DONE, PASSWORD_CANCELLED, PASSWORD_TOO_LONG } password_end;

static bool write_text(int terminal, const char *text) {
    size_t length = strlen(text);
    return write(terminal, text, length) == (ssize_t)length;
}

/* Takes the last character off, which may be several bytes of UTF-8. */
static size_t without_last(const char *text, size_t length) {
    while (length > 0 && ((unsigned char)text[--length] & 0xc0) == 0x80)
        continue;
    return length;
}

/* Reads up to the end of the line. The terminal sends every key: Ctrl-C and Ctrl-D cancel, so that
 * no signal can end the program while the terminal shows nothing. */
static password_end read_line(int terminal, char *text, size_t *length) {
    *length = 0;
    for (;;) {
        char key = '\0';
        ssize_t got = read(terminal, &key, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || key == 0x03 || key == 0x04)
            return PASSWORD_CANCELLED;
        if (key == '\r' || key == '\n')
            return PASSWORD_DONE;
        if (key == 0x7f || key == '\b')
            *length = without_last(text, *length);
        else if (key == 0x15) /* Ctrl-U */
            *length = 0;
        else if (*length == PASSWORD_MAXIMUM)
            return PASSWORD_TOO_LONG;
        else
            text[(*length)++] = key;
    }
}

static mseq_status ask_silently(int terminal, const char *prompt, char *text, size_t *length,
                                mseq_error *err) {
    struct termios before;
    if (tcgetattr(terminal, &before) != 0)
        return mseq_error_set(err, MSEQ_E_IO, "the terminal has no settings: %s", strerror(errno));
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    if (tcsetattr(terminal, TCSADRAIN, &silent) != 0)
        return mseq_error_set(err, MSEQ_E_IO, "the terminal cannot hide what is typed: %s",
                              strerror(errno));
    password_end end =
        write_text(terminal, prompt) ? read_line(terminal, text, length) : PASSWORD_CANCELLED;
    bool restored = write_text(terminal, "\r\n");
    restored = tcsetattr(terminal, TCSADRAIN, &before) == 0 && restored;
    if (end == PASSWORD_CANCELLED || !restored)
        return mseq_error_set(err, MSEQ_E_CANCELLED, "no password was given");
    if (end == PASSWORD_TOO_LONG)
        return mseq_error_set(err, MSEQ_E_LIMIT, "the password is longer than %d bytes",
                              PASSWORD_MAXIMUM);
    return MSEQ_OK;
}

/* core.read_password(prompt) -> text | nil, err    [-0, +1|2, v] */
static int terminal_read_password(lua_State *L) {
    const char *prompt = mseqi_check_text(L, 1);
    char *text = lua_newuserdatauv(L, PASSWORD_MAXIMUM, 0);
    size_t length = 0;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = MSEQ_OK;
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) {
        status = mseq_error_set(&err, MSEQ_E_IO, "there is no terminal to ask for a password");
    } else {
        status = ask_silently(terminal, prompt, text, &length, &err);
        close(terminal);
    }
    if (status == MSEQ_OK) {
        lua_pushlstring(L, text, length);
    }
    explicit_bzero(text, PASSWORD_MAXIMUM);
    return status == MSEQ_OK ? 1 : mseqi_fail(L, status, &err);
}

const luaL_Reg mseqi_terminal_functions[] = {
    {"read_password", terminal_read_password},
    {NULL, NULL},
};
