#include "stats/reload_json.h"

#include "stats/json.h"

#include <string.h>

#include <cjson/cJSON.h>

char *reload_json_print(const struct reload_outcome *outcome, size_t *bytes)
{
    char *text = NULL;
    cJSON *root = cJSON_CreateObject();

    if (root != NULL && cJSON_AddBoolToObject(root, "applied", outcome->applied) != NULL &&
        json_add_integer(root, "generation", outcome->generation) &&
        json_add_text(root, "text", outcome->text))
        text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    *bytes = text == NULL ? 0 : strlen(text);
    return text;
}
