-- Row policies for Supabase Storage (R103): whoever signs in reaches only the objects below the own user id.
--
-- Ingestio itself talks to the S3 endpoint with a service key, which passes by these policies, and checks the owner in code
-- (ingestio/storage/keys.py). They are for clients that come with a user's token. Run it in the SQL editor;
-- running it again changes nothing.
--
-- They hold in every bucket of the project. INGESTIO_STORAGE_URL must name the bucket without a prefix (s3://bucket), because the
-- first folder is the owner.

-- Supabase enables row security on this table and lets nobody else alter it; without it the policies would protect nothing.
DO $$
BEGIN
    IF NOT (SELECT relrowsecurity FROM pg_class WHERE oid = 'storage.objects'::regclass) THEN
        RAISE EXCEPTION 'row level security is not enabled on storage.objects';
    END IF;
END
$$;

DROP POLICY IF EXISTS "Users can view their own files" ON storage.objects;
CREATE POLICY "Users can view their own files" ON storage.objects
    FOR SELECT TO authenticated
    USING ((storage.foldername(name))[1] = (SELECT auth.jwt() ->> 'sub'));

DROP POLICY IF EXISTS "Users can insert their own files" ON storage.objects;
CREATE POLICY "Users can insert their own files" ON storage.objects
    FOR INSERT TO authenticated
    WITH CHECK ((storage.foldername(name))[1] = (SELECT auth.jwt() ->> 'sub'));

DROP POLICY IF EXISTS "Users can update their own files" ON storage.objects;
CREATE POLICY "Users can update their own files" ON storage.objects
    FOR UPDATE TO authenticated
    USING ((storage.foldername(name))[1] = (SELECT auth.jwt() ->> 'sub'))
    WITH CHECK ((storage.foldername(name))[1] = (SELECT auth.jwt() ->> 'sub'));

DROP POLICY IF EXISTS "Users can delete their own files" ON storage.objects;
CREATE POLICY "Users can delete their own files" ON storage.objects
    FOR DELETE TO authenticated
    USING ((storage.foldername(name))[1] = (SELECT auth.jwt() ->> 'sub'));
