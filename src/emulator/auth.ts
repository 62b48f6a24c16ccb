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

/** The beta features that the call switches on; the header may be repeated and holds a list. */
export function readBetas(request: IncomingMessage): readonly string[] {
  const header = request.headers['anthropic-beta'];
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  return text
    .split(',')
    .map((beta) => beta.trim())
    .filter((beta) => beta !== '');
}
