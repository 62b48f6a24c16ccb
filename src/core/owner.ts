import type { ServerStamp } from './ports/provider.ts';

/** Who answered, as the headers say; null where they name none. */
export type Owner = Pick<ServerStamp, 'workspaceId' | 'organizationId'>;

/**
 * Whether an answer comes from where a job's batches are.
 *
 * - same: from that workspace.  - other_workspace, other_organization: from elsewhere, so its silence says nothing.
 * - unnamed: it names no workspace although the job's is known, so something in between may have given it.
 * - unknown: nobody ever named the job's workspace; only the key, or a batch that it shows, can tell.
 */
export type OwnerVerdict = 'same' | 'other_workspace' | 'other_organization' | 'unnamed' | 'unknown';

/** A batch is visible only in its own workspace, and a workspace id belongs to one organization. */
export function compareOwners(home: Owner, now: Owner): OwnerVerdict {
  if (home.workspaceId === null) return 'unknown';
  if (now.workspaceId === null) return 'unnamed';
  if (home.workspaceId === now.workspaceId) return 'same';
  const areNamed = home.organizationId !== null && now.organizationId !== null;
  return areNamed && home.organizationId !== now.organizationId ? 'other_organization' : 'other_workspace';
}

/** Of errors that say that a silence was not that of the workspace which has the batches. */
export const STRANGER_CODES: readonly string[] = ['other_workspace', 'other_organization', 'other_key'];
