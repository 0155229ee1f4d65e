-- What must hold at every instant, under any crash or retry (R50, R66). Each query lists violations; an empty answer is health.
-- `name: ` lines name the queries; `ingestio doctor` and the tests run them one by one, as a role that sees every row.

-- name: usage_is_the_sum_of_committed_pages
SELECT u.id AS subject, u.pages_processed AS stored, coalesce(sum(l.pages), 0) AS expected
FROM user_usage u LEFT JOIN page_ledger l ON l.usage_id = u.id AND l.state = 'committed'
GROUP BY u.id HAVING u.pages_processed <> coalesce(sum(l.pages), 0);

-- name: reserved_is_the_sum_of_held_pages
SELECT u.id AS subject, u.pages_reserved AS stored, coalesce(sum(l.pages), 0) AS expected
FROM user_usage u LEFT JOIN page_ledger l ON l.usage_id = u.id AND l.state = 'reserved'
GROUP BY u.id HAVING u.pages_reserved <> coalesce(sum(l.pages), 0);

-- name: never_over_the_limit
SELECT id AS subject, pages_processed + pages_reserved AS stored, pages_limit AS expected
FROM user_usage WHERE pages_limit <> -1 AND pages_processed + pages_reserved > pages_limit;

-- name: a_completed_job_is_charged_its_pages_once
SELECT j.id AS subject, coalesce(l.pages, -1) AS stored, d.page_count AS expected
FROM extraction_jobs j JOIN documents d ON d.id = j.document_id
LEFT JOIN page_ledger l ON l.job_id = j.id AND l.state = 'committed'
WHERE j.status = 'completed' AND (l.id IS NULL OR l.pages <> CASE WHEN l.reused_from IS NULL THEN d.page_count ELSE 0 END);

-- name: a_completed_job_has_one_result
SELECT j.id AS subject, count(e.id) AS stored, 1 AS expected
FROM extraction_jobs j LEFT JOIN extracted_data e ON e.extraction_job_id = j.id
WHERE j.status = 'completed' GROUP BY j.id HAVING count(e.id) <> 1;

-- name: a_job_that_did_not_complete_has_no_result
SELECT j.id AS subject, count(e.id) AS stored, 0 AS expected
FROM extraction_jobs j JOIN extracted_data e ON e.extraction_job_id = j.id
WHERE j.status <> 'completed' GROUP BY j.id;

-- name: an_ended_job_holds_no_pages
SELECT j.id AS subject, l.pages AS stored, 0 AS expected
FROM extraction_jobs j JOIN page_ledger l ON l.job_id = j.id
WHERE (j.status IN ('completed', 'failed', 'cancelled') AND l.state = 'reserved')
   OR (j.status IN ('failed', 'cancelled') AND l.state = 'committed');

-- name: a_live_job_that_holds_pages_holds_its_documents
SELECT j.id AS subject, l.pages AS stored, d.page_count AS expected
FROM extraction_jobs j JOIN documents d ON d.id = j.document_id JOIN page_ledger l ON l.job_id = j.id
WHERE j.status IN ('queued', 'processing') AND (l.state <> 'reserved' OR l.pages <> d.page_count);

-- name: a_document_is_charged_what_the_ledger_says
SELECT d.id AS subject, d.pages_charged AS stored, coalesce(sum(l.pages), 0) AS expected
FROM documents d LEFT JOIN page_ledger l ON l.document_id = d.id AND l.state = 'committed'
GROUP BY d.id HAVING d.pages_charged <> coalesce(sum(l.pages), 0);

-- name: an_open_document_has_a_live_job
SELECT d.id AS subject, 0 AS stored, 1 AS expected
FROM documents d WHERE d.status IN ('queued_for_processing', 'processing')
AND NOT EXISTS (SELECT 1 FROM extraction_jobs j WHERE j.document_id = d.id AND j.status IN ('queued', 'processing'));

-- name: a_completed_document_has_a_result
SELECT d.id AS subject, 0 AS stored, 1 AS expected
FROM documents d WHERE d.status = 'completed'
AND NOT EXISTS (SELECT 1 FROM extracted_data e WHERE e.document_id = d.id);

-- name: batch_counters_are_what_its_rows_say
SELECT b.id AS subject,
       concat_ws('/', b.document_count, b.completed_count, b.failed_count, b.cancelled_count, b.total_pages) AS stored,
       concat_ws('/', count(d.id), count(d.id) FILTER (WHERE d.status = 'completed'),
                 count(d.id) FILTER (WHERE d.status = 'failed') + (SELECT count(*) FROM refused_files r WHERE r.batch_id = b.id),
                 count(d.id) FILTER (WHERE d.status = 'cancelled'), coalesce(sum(d.page_count), 0)) AS expected
FROM extraction_batches b LEFT JOIN documents d ON d.batch_id = b.id
WHERE b.status <> 'pending_upload'
GROUP BY b.id
HAVING concat_ws('/', b.document_count, b.completed_count, b.failed_count, b.cancelled_count, b.total_pages)
    <> concat_ws('/', count(d.id), count(d.id) FILTER (WHERE d.status = 'completed'),
                 count(d.id) FILTER (WHERE d.status = 'failed') + (SELECT count(*) FROM refused_files r WHERE r.batch_id = b.id),
                 count(d.id) FILTER (WHERE d.status = 'cancelled'), coalesce(sum(d.page_count), 0));

-- name: an_ended_batch_has_the_status_of_its_rows
SELECT b.id AS subject, b.status::text AS stored,
       CASE WHEN b.cancelled_count > 0 THEN 'cancelled' WHEN b.completed_count > 0 AND b.failed_count > 0 THEN 'partially_completed'
            WHEN b.completed_count > 0 THEN 'completed' ELSE 'failed' END AS expected
FROM extraction_batches b
WHERE b.status IN ('completed', 'partially_completed', 'failed', 'cancelled')
  AND b.completed_count + b.failed_count + b.cancelled_count > 0
  AND b.status::text <> CASE WHEN b.cancelled_count > 0 THEN 'cancelled' WHEN b.completed_count > 0 AND b.failed_count > 0 THEN 'partially_completed'
            WHEN b.completed_count > 0 THEN 'completed' ELSE 'failed' END;

-- name: an_ended_batch_has_no_open_document
SELECT b.id AS subject, count(d.id) AS stored, 0 AS expected
FROM extraction_batches b JOIN documents d ON d.batch_id = b.id
WHERE b.status IN ('completed', 'partially_completed', 'failed', 'cancelled')
  AND d.status IN ('uploaded', 'queued_for_processing', 'processing')
GROUP BY b.id;

-- name: an_ended_batch_says_when_and_wants_nothing
SELECT b.id AS subject, concat_ws('/', b.completed_at IS NOT NULL, b.paused, b.cancel_requested) AS stored,
       CASE WHEN b.status IN ('completed', 'partially_completed', 'failed', 'cancelled') THEN 't/f/f' ELSE 'no completed_at' END AS expected
FROM extraction_batches b
WHERE CASE WHEN b.status IN ('completed', 'partially_completed', 'failed', 'cancelled')
           THEN b.completed_at IS NULL OR b.paused OR b.cancel_requested
           ELSE b.completed_at IS NOT NULL END;

-- name: held_pages_have_a_live_job
SELECT l.job_id AS subject, l.pages AS stored, 0 AS expected
FROM page_ledger l LEFT JOIN extraction_jobs j ON j.id = l.job_id AND j.status IN ('queued', 'processing')
WHERE l.state = 'reserved' AND j.id IS NULL;

-- name: a_reused_result_costs_nothing
SELECT l.job_id AS subject, l.pages AS stored, 0 AS expected
FROM page_ledger l WHERE l.reused_from IS NOT NULL AND l.pages <> 0;

-- name: a_result_and_its_charge_agree
SELECT e.id AS subject, concat_ws(' from ', e.pages, e.reused_from) AS stored, concat_ws(' from ', l.pages, l.reused_from) AS expected
FROM extracted_data e JOIN page_ledger l ON l.job_id = e.extraction_job_id
WHERE e.pages <> l.pages OR e.reused_from IS DISTINCT FROM l.reused_from;

-- name: an_ended_document_ended_as_its_last_attempt
SELECT d.id AS subject, d.status::text AS stored, j.status::text AS expected
FROM documents d JOIN LATERAL (
    SELECT status FROM extraction_jobs WHERE document_id = d.id ORDER BY attempt DESC LIMIT 1
) j ON true
WHERE d.status IN ('failed', 'cancelled') AND j.status::text <> d.status::text
   OR d.status <> 'completed' AND j.status = 'completed';

-- name: a_document_counts_its_attempts
SELECT d.id AS subject, d.attempt AS stored, max(j.attempt) AS expected
FROM documents d JOIN extraction_jobs j ON j.document_id = d.id
GROUP BY d.id HAVING d.attempt <> max(j.attempt);

-- name: a_stored_file_is_its_owners
SELECT d.id AS subject, split_part(d.storage_path, '/', 1) AS stored, d.user_id AS expected
FROM documents d WHERE split_part(d.storage_path, '/', 1) <> d.user_id
UNION ALL
SELECT x.id, split_part(x.file_path, '/', 1), x.user_id
FROM exports x WHERE x.file_path IS NOT NULL AND split_part(x.file_path, '/', 1) <> x.user_id;

-- name: users_agree_across_tables
-- Composite foreign keys guard most pairs; the ledger has none, an array can have none, and a restore may have been made without.
SELECT l.id AS subject, l.user_id AS stored, u.user_id AS expected
FROM page_ledger l JOIN user_usage u ON u.id = l.usage_id WHERE u.user_id <> l.user_id
UNION ALL
SELECT l.id, l.user_id, j.user_id FROM page_ledger l JOIN extraction_jobs j ON j.id = l.job_id WHERE j.user_id <> l.user_id
UNION ALL
SELECT l.id, l.user_id, d.user_id FROM page_ledger l JOIN documents d ON d.id = l.document_id WHERE d.user_id <> l.user_id
UNION ALL
SELECT d.id, d.user_id, b.user_id FROM documents d JOIN extraction_batches b ON b.id = d.batch_id WHERE b.user_id <> d.user_id
UNION ALL
SELECT r.id, r.user_id, b.user_id FROM refused_files r JOIN extraction_batches b ON b.id = r.batch_id WHERE b.user_id <> r.user_id
UNION ALL
SELECT j.id, j.user_id, d.user_id FROM extraction_jobs j JOIN documents d ON d.id = j.document_id WHERE d.user_id <> j.user_id
UNION ALL
SELECT j.id, j.user_id, b.user_id FROM extraction_jobs j JOIN extraction_batches b ON b.id = j.batch_id WHERE b.user_id <> j.user_id
UNION ALL
SELECT e.id, e.user_id, d.user_id FROM extracted_data e JOIN documents d ON d.id = e.document_id WHERE d.user_id <> e.user_id
UNION ALL
SELECT e.id, e.user_id, j.user_id FROM extracted_data e JOIN extraction_jobs j ON j.id = e.extraction_job_id WHERE j.user_id <> e.user_id
UNION ALL
SELECT f.id, f.user_id, e.user_id FROM field_revisions f JOIN extracted_data e ON e.id = f.extracted_data_id WHERE e.user_id <> f.user_id
UNION ALL
SELECT x.id, x.user_id, d.user_id
FROM exports x CROSS JOIN LATERAL unnest(x.document_ids) AS listed (id) JOIN documents d ON d.id = listed.id WHERE d.user_id <> x.user_id
UNION ALL
SELECT w.id, w.user_id, p.user_id FROM webhook_deliveries w JOIN webhook_endpoints p ON p.id = w.endpoint_id WHERE p.user_id <> w.user_id;

-- name: a_job_and_its_document_name_one_batch
SELECT j.id AS subject, j.batch_id AS stored, d.batch_id AS expected
FROM extraction_jobs j JOIN documents d ON d.id = j.document_id
WHERE j.batch_id IS NOT NULL AND j.batch_id IS DISTINCT FROM d.batch_id;
