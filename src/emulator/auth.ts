import type { IncomingMessage } from 'node:http';
import { ApiError } from './reply.ts';

// platform.claude.com/docs/en/api/versioning. The official SDK sends the last one since 1.0.0 (src/client.ts).
const API_VERSIONS = ['2023-01-01', '2023-06-01', '2026-10-21'];
const COMMON_WORKSPACE_ID = 'wrkspc_emulator';

/**
 * The workspace that the call's key acts in: `wrkspc_NAME` for the key `sk-emu-NAME`, one common workspace for any
 * other. Throws a 401 without a key, or with one that starts with `bad`.
 */
export function readWorkspaceId(request: IncomingMessage): string {
  const bearer = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const key = bearer ?? request.headers['x-api-key'];
  if (typeof key !== 'string' || key === '' || key.startsWith('bad')) {
    throw new ApiError(401, 'authentication_error', 'API key is invalid.');
  }
  const name = /^sk-emu-([\w-]+)$/.exec(key)?.[1];
  return name === undefined ? COMMON_WORKSPACE_ID : `wrkspc_${name}`;
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
