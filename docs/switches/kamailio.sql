-- What kamailio.cfg keeps beside Kamailio's own tables `version`, `dialog` and `dialog_vars` (PostgreSQL).

-- Reports that the API has not taken yet, each the body of a request, in hexadecimal digits.
CREATE TABLE credits_report (
    id BIGSERIAL PRIMARY KEY,
    body TEXT NOT NULL,
    due_at BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX credits_report_due_idx ON credits_report (due_at, id);

-- Calls whose time is nearly over, or over, are looked for five times a second.
CREATE INDEX credits_due_idx ON dialog_vars (dialog_key, dialog_value);
