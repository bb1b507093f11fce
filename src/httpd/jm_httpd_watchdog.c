/*
 * jm_httpd_watchdog.c: mod_watchdog's functions, by name. Touches what it has
 * of callbacks.
 */
#include "jm_httpd_watchdog.h"

int jm_watchdog_is_there(void)
{
    return APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance) != NULL;
}

apr_status_t jm_watchdog_add(apr_pool_t *pconf, const char *name,
                             jm_watchdog_e where, apr_interval_time_t interval,
                             ap_watchdog_callback_fn_t *call, void *baton)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    ap_watchdog_t *watchdog;
    apr_status_t rv;

    if (!get || !add) {
        return APR_ENOTIMPL;
    }
    rv = get(&watchdog, name, 0, where == JM_WATCHDOG_ONE, pconf);
    return rv == APR_SUCCESS ? add(watchdog, interval, baton, call) : rv;
}
