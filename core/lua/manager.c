/* SPDX-License-Identifier: MIT
 *
 * The TS Manager itself, as far as it is not reached through a client.
 */
#include "binding.h"

/* core.manager_upgrade(options?) -> report | nil, err    [-0, +1|2, v] */
static int manager_upgrade(lua_State *L) {
    static const char *const names[] = {"home", "catalog", NULL};
    mseqi_check_options(L, 1, names);
    const char *home = mseqi_option_text(L, 1, "home");
    const char *catalog = mseqi_option_text(L, 1, "catalog");
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_endpoint_upgrade(home, catalog, &scratch->values[0], &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    mseqi_push_value(L, scratch->values[0]);
    return 1;
}

const luaL_Reg mseqi_manager_functions[] = {
    {"manager_upgrade", manager_upgrade},
    {NULL, NULL},
};
