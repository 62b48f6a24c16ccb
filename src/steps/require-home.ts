import { AuthError, ProviderError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { compareOwners, type Owner } from '../core/owner.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { Deps } from './deps.ts';
import { repeatRead } from './repeat-read.ts';

/** How many batches of a job are asked for to prove a key by, where no answer names a workspace. */
const PROOFS_ASKED = 3;

/**
 * Refuses a key that cannot see the job's batches, before anything is asked for, sent or decided with it: to such a key every
 * batch is «not found», and what it sends would be in another workspace than the rest. The key that the job was submitted
 * with needs no proof, because a key never changes its workspace. Of another one, keys being rotated, one list call tells.
 *
 * @throws AuthError `other_workspace`, `other_organization`, or `other_key` where nothing names a workspace.
 */
export async function requireHome(
  { id }: Pick<Job, 'id'>,
  deps: Pick<Deps, 'store' | 'provider' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  const { store, provider, clock } = deps;
  const job = await store.jobById(id);
  if (job.account === null || job.account.keyFingerprint === provider.account.keyFingerprint) return;
  const views = await store.shards(job.id);
  if (!views.some(isSent)) return;
  const page = await repeatRead(
    () => provider.listBatches({ limit: 1, afterId: null }, signal),
    clock,
    signal,
  );
  const home = await store.sealedHome(job.id);
  const verdict = compareOwners(home, page.stamp);
  if (verdict === 'same') return;
  if (verdict !== 'unnamed' && verdict !== 'unknown') throw strangerError(verdict, home, page.stamp);
  if (!(await showsBatch(views, deps, signal))) throw unprovenKey(job, provider.account.keyFingerprint);
}

/** What a seal outside the store tells of whose it is. */
export interface SealOwner {
  readonly key_fingerprint: string;
  readonly fence: { readonly workspace_id: string | null; readonly organization_id: string | null };
}

/**
 * The same for a job whose store has forgotten what was sent, so that its own seals do not say where: `seals` are those
 * that the store does not have. Where nothing was ever sent and nobody asked for it, there is nothing to compare with, and
 * nothing that a listing could be asked about.
 *
 * @throws AuthError likewise.
 */
export async function requireForgottenHome(
  { id }: Pick<Job, 'id'>,
  seals: readonly SealOwner[],
  deps: Pick<Deps, 'store' | 'provider' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  const { store, provider, clock } = deps;
  await requireHome({ id }, deps, signal);
  const job = await store.jobById(id);
  const isAnySent = (await store.shards(id)).some(isSent);
  if (seals.length === 0 && (job.account === null || isAnySent)) return;
  const owners = seals.map((one) => one.key_fingerprint);
  if (owners.length === 0 && job.account !== null) owners.push(job.account.keyFingerprint);
  if (owners.includes(provider.account.keyFingerprint)) return;
  const page = await repeatRead(
    () => provider.listBatches({ limit: 1, afterId: null }, signal),
    clock,
    signal,
  );
  const named = seals.map(({ fence }) => fence).find(({ workspace_id }) => workspace_id !== null);
  const home = { workspaceId: named?.workspace_id ?? null, organizationId: named?.organization_id ?? null };
  const verdict = compareOwners(home, page.stamp);
  if (verdict === 'same') return;
  if (verdict !== 'unnamed' && verdict !== 'unknown') throw strangerError(verdict, home, page.stamp);
  throw unprovenKey(job, provider.account.keyFingerprint, owners.at(-1));
}

/** Something of the shard is, or may be, at the API. */
function isSent({ submission, batch }: ShardView): boolean {
  return batch !== null || (submission !== null && submission.state !== 'aborted');
}

/** Whether the key shows one of the job's own batches, which only a key of their workspace does. */
async function showsBatch(
  views: readonly ShardView[],
  { provider, clock }: Pick<Deps, 'provider' | 'clock'>,
  signal: AbortSignal,
): Promise<boolean> {
  const batches = views.flatMap(({ batch }) => (batch === null ? [] : [batch])).slice(-PROOFS_ASKED);
  for (const { id } of batches) {
    try {
      await repeatRead(() => provider.retrieveBatch(id, signal), clock, signal);
      return true;
    } catch (error) {
      if (!(error instanceof ProviderError) || error.status !== 404) throw error;
    }
  }
  return false;
}

/** A silence of one workspace says nothing about another. */
export function requireSameWorkspace(home: Owner | null, now: Owner): void {
  if (home === null) return;
  const verdict = compareOwners(home, now);
  if (verdict === 'same' || verdict === 'unknown') return;
  if (verdict === 'unnamed') throw unnamedAnswer(home);
  throw strangerError(verdict, home, now);
}

export function strangerError(
  kind: 'other_workspace' | 'other_organization',
  home: Owner,
  now: Owner,
): AuthError {
  const isOrganization = kind === 'other_organization';
  const name = ({ workspaceId, organizationId }: Owner): string =>
    isOrganization ? `${workspaceId} of organization ${organizationId}` : `${workspaceId}`;
  return new AuthError(
    `the key acts in another ${isOrganization ? 'organization' : 'workspace'} than this job’s batches`,
    {
      code: isOrganization ? 'other_organization' : 'other_workspace',
      why: `the job was submitted in workspace ${name(home)}, this key answers from ${name(now)}; a batch is visible only in its own workspace, so nothing was concluded and nothing was sent`,
      next: `set ANTHROPIC_API_KEY to a key of ${isOrganization ? 'the first organization, in that workspace,' : 'the first workspace'} and run the same command again`,
    },
  );
}

/** Worth asking again: an answer of the API names its workspace. */
function unnamedAnswer({ workspaceId }: Owner): ProviderError {
  return new ProviderError('an answer did not say which workspace it comes from', {
    code: 'workspace_unnamed',
    why: `the job’s batches are in workspace ${workspaceId}, and answers of the API name theirs in the header anthropic-workspace-id; without it nothing can be concluded from what they do not show`,
    next: 'run the same command again; if it stays so, let no proxy remove that header',
    status: null,
    retryable: true,
  });
}

function unprovenKey(
  job: Job,
  fingerprint: string,
  submitter = job.account?.keyFingerprint ?? 'unknown',
): AuthError {
  return new AuthError(`nothing shows that this key can see the batches of job ${job.jobId}`, {
    code: 'other_key',
    why: `the job was submitted with another key (fingerprint ${submitter}, now ${fingerprint}), answers name no workspace, and none of the job’s batches is found with this key`,
    next: `set ANTHROPIC_API_KEY to the key that submitted it, or to one that shows its batches, then batchctl resume ${job.jobId}`,
  });
}
