/*
 * jm_httpd_watchdog.h: a callback in a thread of mod_watchdog, to which there
 * is no link-time tie.
 */
#ifndef JM_HTTPD_WATCHDOG_H
#define JM_HTTPD_WATCHDOG_H

#include <httpd.h>
#include <mod_watchdog.h>

typedef enum jm_watchdog_e {
    JM_WATCHDOG_EACH,          /* a thread in each child */
    JM_WATCHDOG_ONE            /* in one child at a time */
} jm_watchdog_e;

/* 1 if mod_watchdog is loaded, once all modules are. */
int jm_watchdog_is_there(void);

/* Has call run with baton every so often, in a thread of that name; for
 * post_config, before mod_watchdog's. name and baton live as long as pconf.
 * APR_ENOTIMPL: mod_watchdog is not loaded. */
apr_status_t jm_watchdog_add(apr_pool_t *pconf, const char *name,
                             jm_watchdog_e where, apr_interval_time_t interval,
                             ap_watchdog_callback_fn_t *call, void *baton);

#endif
