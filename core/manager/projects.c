/* SPDX-License-Identifier: MIT
 * Projects, and who the caller is. */
#include <string.h>

#include "data_sources.h"
#include "directory.h"
#include "routes.h"

static mseq_status project_object(const manager_call *call, const mseq_value *record,
                                  mseq_value **object, mseq_error *err) {
    mseq_value *sources = NULL;
    const char *source = mseq_object_get_text(record, "data_source_uid");
    mseq_status status = source ? manager_data_sources(call, source, &sources, err) : MSEQ_OK;
    if (status != MSEQ_OK)
        return status;
    manager_draft project;
    manager_draft_object(&project);
    manager_put_copy(&project, "uid", mseq_object_get(record, "uid"));
    manager_put_copy(&project, "project_name", mseq_object_get(record, "project_name"));
    manager_put_boolean(&project, "is_initialized", true);
    manager_put_copy(&project, "data_source", mseq_array_get(sources, 0));
    manager_put_text(&project, "git_ssh_url", NULL);
    manager_put_text(&project, "latest_git_version", "");
    manager_put_copy(&project, "created_by", mseq_object_get(record, "created_by_user_uid"));
    manager_put(&project, "labels", mseq_value_array());
    mseq_value_free(sources);
    mseq_value *made = manager_draft_take(&project);
    if (!made)
        return mseq_error_no_memory(err);
    *object = made;
    return MSEQ_OK;
}

static mseq_status find_projects(const manager_call *call, const char *uid, mseq_value **projects,
                                 mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status =
        manager_query(call->catalog, &records, err,
                      "SELECT uid, project_name, data_source_uid, created_by_user_uid FROM project"
                      " WHERE organization_uid = ?1 AND uid = COALESCE(?2, uid)"
                      " ORDER BY created_at, uid",
                      "ss", call->caller->organization_uid, uid);
    manager_draft list;
    manager_draft_array(&list);
    for (size_t i = 0; i < mseq_value_length(records) && status == MSEQ_OK; i++) {
        mseq_value *project = NULL;
        status = project_object(call, mseq_array_get(records, i), &project, err);
        if (status == MSEQ_OK)
            manager_append(&list, project);
    }
    mseq_value_free(records);
    return manager_draft_end(&list, status, projects, err);
}

mseq_status manager_list_projects(manager_call *call, mseq_error *err) {
    static const char *const filters[] = {NULL};
    mseq_value *projects = NULL;
    mseq_status status = manager_check_keys(call->query, "the query", filters, err);
    if (status == MSEQ_OK)
        status = find_projects(call, NULL, &projects, err);
    return status == MSEQ_OK ? manager_answer_page(call, projects, false, err) : status;
}

mseq_status manager_get_project(manager_call *call, mseq_error *err) {
    mseq_value *projects = NULL;
    mseq_status status = find_projects(call, call->uid, &projects, err);
    if (status == MSEQ_OK && mseq_value_length(projects) == 0)
        status = manager_refuse(err, MSEQ_E_NOT_FOUND, "not_found", "there is no project '%.100s'",
                                call->uid);
    else if (status == MSEQ_OK)
        status = manager_answer(call, 200, mseq_value_dup(mseq_array_get(projects, 0)), err);
    mseq_value_free(projects);
    return status;
}

/* ---- Who the caller is -------------------------------------------------------------------------
 */

static mseq_status caller_object(const manager_call *call, manager_draft *user, mseq_error *err) {
    mseq_value *record = NULL;
    mseq_status status = manager_find_user(call, call->caller->user_uid, &record, err);
    if (status != MSEQ_OK)
        return status;
    *user = (manager_draft){manager_user_summary(record), false};
    user->failed = user->value == NULL;
    manager_put_text(user, "organization_uid", call->caller->organization_uid);
    manager_put_boolean(user, "is_organization_admin", call->caller->admin);
    mseq_value_free(record);
    return MSEQ_OK;
}

mseq_status manager_user(manager_call *call, mseq_error *err) {
    manager_draft user;
    mseq_status status = caller_object(call, &user, err);
    return status == MSEQ_OK ? manager_answer(call, 200, manager_draft_take(&user), err) : status;
}

mseq_status manager_user_details(manager_call *call, mseq_error *err) {
    manager_draft details, user;
    mseq_status status = caller_object(call, &user, err);
    if (status != MSEQ_OK)
        return status;
    manager_draft_object(&details);
    manager_put_draft(&details, "user", &user);
    return manager_answer(call, 200, manager_draft_take(&details), err);
}
