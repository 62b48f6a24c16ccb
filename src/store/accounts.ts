import type { Account } from '../core/job.ts';
import type { Db } from './open.ts';

/**
 * The side that a job is on, where jobs are joined with accounts: its account says; one that was never submitted is where
 * it was built for. The same as `sideOf` in core/job.ts.
 */
export const SIDE = `
  CASE
    WHEN accounts.id IS NULL THEN json_extract(jobs.spec_json, '$.on')
    WHEN accounts.base_url LIKE 'emulator:%' THEN 'emulator'
    ELSE 'api'
  END`;

export function prepareAccounts(db: Db) {
  const insertAccount = db.prepare<Account>(`
    INSERT INTO accounts (base_url, key_fingerprint)
    VALUES (:baseUrl, :keyFingerprint)
    ON CONFLICT DO NOTHING
  `);
  const selectId = db
    .prepare<Account, number>(`
      SELECT id
      FROM accounts
      WHERE base_url = :baseUrl AND key_fingerprint = :keyFingerprint
    `)
    .pluck();
  const nameOwner = db.prepare<{
    id: number;
    organizationId: string | null;
    workspaceId: string | null;
  }>(`
    UPDATE accounts
    SET organization_id = coalesce(organization_id, :organizationId),
        workspace_id = coalesce(workspace_id, :workspaceId)
    WHERE id = :id AND (organization_id IS NULL OR workspace_id IS NULL)
  `);

  return {
    /** The id of the account, which is inserted when it is new. */
    ensure({ baseUrl, keyFingerprint }: Account): number {
      insertAccount.run({ baseUrl, keyFingerprint });
      const id = selectId.get({ baseUrl, keyFingerprint });
      if (id === undefined) throw new Error(`no account for ${baseUrl} after inserting it`);
      return id;
    },

    /** Keeps whose account it is, as the first answer told it. A key never changes its workspace. */
    nameOwner(
      id: number,
      owner: { readonly organizationId: string | null; readonly workspaceId: string | null },
    ): void {
      nameOwner.run({ id, organizationId: owner.organizationId, workspaceId: owner.workspaceId });
    },
  };
}
