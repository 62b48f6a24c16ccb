import type { IncomingMessage } from 'node:http';
import type { ActiveFaults } from './active-faults.ts';
import { ApiError } from './reply.ts';

// platform.claude.com/docs/en/api/versioning. The official SDK sends the last one since 1.0.0 (src/client.ts).
const API_VERSIONS = ['2023-01-01', '2023-06-01', '2026-10-21'];
const COMMON_WORKSPACE_ID = 'wrkspc_emulator';

/** Whose call it is. */
export interface Caller {
  readonly workspaceId: string;
  /** Null: the emulator's one account. */
  readonly organizationId: string | null;
}

/**
 * Where the call's key acts: workspace `wrkspc_NAME` for the key `sk-emu-NAME`, one common workspace for any other. Further
 * keys of the same workspace are `sk-emu-NAME+ANYTHING`; `sk-emu-NAME@ORG` is a workspace of another organization. Throws a
 * 401 without a key, with one that starts with `bad`, and with one that was revoked; a 403 with one that lost its rights.
 */
export function readCaller(request: IncomingMessage, faults: ActiveFaults): Caller {
  const bearer = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const key = bearer ?? request.headers['x-api-key'];
  const revoked = faults.standing('key-revoked')?.value;
  if (typeof key !== 'string' || key === '' || key.startsWith('bad') || key === revoked) {
    throw new ApiError(401, 'authentication_error', 'API key is invalid.');
  }
  if (key === faults.standing('key-forbidden')?.value) {
    throw new ApiError(
      403,
      'permission_error',
      'Your API key does not have permission to use the specified resource.',
    );
  }
  const [, name, organization] = /^sk-emu-([\w-]+)(?:\+[\w-]+)?(?:@([\w-]+))?$/.exec(key) ?? [];
  if (name === undefined) return { workspaceId: COMMON_WORKSPACE_ID, organizationId: null };
  if (organization === undefined) return { workspaceId: `wrkspc_${name}`, organizationId: null };
  return { workspaceId: `wrkspc_${organization}_${name}`, organizationId: `org_${organization}` };
}

/** The version of the API that the call speaks. Throws a 400 when it is missing or unknown. */
export function readApiVersion(request: IncomingMessage): string {
  const version = request.headers['anthropic-version'];
  if (version === undefined) {
    throw new ApiError(400, 'invalid_request_error', 'anthropic-version: header is required');
  }
  if (typeof version !== 'string' || !API_VERSIONS.includes(version)) {
    throw new ApiError(
      400,
      'invalid_request_error',
      `anthropic-version: "${String(version)}" is not a valid version`,
    );
  }
  return version;
}

// Every value ends in the day of its beta (SDK, src/resources/beta/beta.ts); which ones there are, nobody lists for sure.
const BETA = /^[a-z0-9]+(?:-[a-z0-9]+)*-20\d\d-\d\d-\d\d$/;

/**
 * The beta features that the call switches on; the header may be repeated and holds a list. Throws a 400 for a value that
 * is none. Text: anthropics/claude-code#53855.
 */
export function readBetas(request: IncomingMessage): readonly string[] {
  const header = request.headers['anthropic-beta'];
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  const betas = text
    .split(',')
    .map((beta) => beta.trim())
    .filter((beta) => beta !== '');
  const strange = betas.filter((beta) => !BETA.test(beta));
  if (strange.length === 0) return betas;
  const named = strange.map((beta) => `\`${beta}\``).join(', ');
  throw new ApiError(
    400,
    'invalid_request_error',
    `Unexpected value(s) ${named} for the \`anthropic-beta\` header. Please consult our documentation at docs.claude.com or try again without the header.`,
  );
}
