/* Declares a table in C, prints its contract and its fingerprint, and registers it with a TS
 * Manager. No Lua.
 *
 *   cc register.c $(pkg-config --cflags --libs mainsequence) -o register
 *   ./register local:./catalog
 */
#include <mainsequence/mainsequence.h>

#include <stdio.h>

/* sensor(uid uuid primary key, name varchar(64) not null) */
static mseq_status declare_sensor(mseq_table **table, mseq_error *err) {
    mseq_value *meta = NULL;
    const char text[] = "{\"namespace\": \"lab\", \"identifier\": \"lab.Sensor\","
                        " \"description\": \"What measures.\"}";
    mseq_status status = mseq_json_parse(text, sizeof text - 1, 0, &meta, err);
    if (status != MSEQ_OK)
        return status;

    mseq_table_options options = MSEQ_TABLE_OPTIONS_INIT;
    options.name = "lab__sensor";
    options.kind = MSEQ_TABLE_PLATFORM_MANAGED;
    options.class_name = "Sensor";
    options.module = "register.c";
    options.meta = meta;
    mseq_table *made = NULL;
    status = mseq_table_new(&options, &made, err);
    mseq_value_free(meta);

    mseq_column_options uid = MSEQ_COLUMN_OPTIONS_INIT;
    uid.name = "uid";
    uid.type = "Uuid";
    uid.primary_key = true;
    if (status == MSEQ_OK)
        status = mseq_table_add_column(made, &uid, err);

    mseq_column_options name = MSEQ_COLUMN_OPTIONS_INIT;
    mseq_value *length = mseq_value_object();
    if (status == MSEQ_OK && mseq_object_put_integer(length, "length", 64) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    name.name = "name";
    name.type = "String";
    name.type_arguments = length;
    name.nullable = 0;
    if (status == MSEQ_OK)
        status = mseq_table_add_column(made, &name, err);
    mseq_value_free(length);

    if (status == MSEQ_OK)
        status = mseq_table_freeze(made, err);
    if (status != MSEQ_OK) {
        mseq_table_free(made);
        return status;
    }
    *table = made;
    return MSEQ_OK;
}

static mseq_status print_json(const char *title, const mseq_value *value, mseq_error *err) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_json_write(value, MSEQ_JSON_INDENT, &text, err);
    if (status == MSEQ_OK)
        printf("%s %s\n", title, mseq_buffer_text(&text));
    mseq_buffer_free(&text);
    return status;
}

static mseq_status show(const mseq_table *table, mseq_error *err) {
    mseq_contract_options options = MSEQ_CONTRACT_OPTIONS_INIT;
    options.authoring_kind = "c";
    mseq_value *contract = NULL;
    mseq_status status = mseq_contract_build(table, &options, &contract, err);
    if (status == MSEQ_OK)
        status = print_json("contract", contract, err);
    mseq_value_free(contract);

    char fingerprint[MSEQ_FINGERPRINT_SIZE];
    if (status == MSEQ_OK)
        status = mseq_fingerprint_table(table, NULL, fingerprint, NULL, err);
    if (status == MSEQ_OK)
        printf("fingerprint %s\n", fingerprint);
    return status;
}

/* The TS Manager makes the table too: a platform-managed registration asks it to, unless it says
 * otherwise. */
static mseq_status register_table(const char *endpoint, const mseq_table *table, mseq_error *err) {
    mseq_client *client = NULL;
    mseq_status status = mseq_endpoint_open(endpoint, NULL, NULL, &client, err);
    if (status != MSEQ_OK)
        return status;
    mseq_value *row = NULL;
    status = mseq_client_register_table(client, table, NULL, false, &row, err);
    if (status == MSEQ_OK)
        printf("registered %s at %s: uid %s, %s\n", mseq_table_name(table),
               mseq_client_endpoint(client), mseq_object_get_text(row, "uid"),
               mseq_object_get_text(row, "provisioning_status"));
    mseq_value_free(row);
    mseq_client_free(client);
    return status;
}

int main(int count, char **arguments) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_table *table = NULL;
    mseq_status status = declare_sensor(&table, &err);
    if (status == MSEQ_OK)
        status = show(table, &err);
    if (status == MSEQ_OK)
        status = register_table(count > 1 ? arguments[1] : "local:", table, &err);
    mseq_table_free(table);
    if (status != MSEQ_OK) {
        fprintf(stderr, "%s: %s\n", mseq_status_name(status), err.message);
        if (err.hint[0])
            fprintf(stderr, "  %s\n", err.hint);
        return 1;
    }
    return 0;
}
