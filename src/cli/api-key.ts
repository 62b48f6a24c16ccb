import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { AuthError, UsageError } from '../core/errors.ts';
import { escapeText } from '../core/escape.ts';
import { errnoOf, errnoWords } from '../core/input-failure.ts';

export const DEFAULT_BASE_URL = 'https://api.anthropic.com';
const KEY_VARIABLE = 'ANTHROPIC_API_KEY';

export interface ApiKey {
  readonly value: string;
  /** For `doctor`: where it was found. */
  readonly source: string;
}

/**
 * From the environment, else from the workspace's `.env`, of which no other line is heeded: a base URL or a proxy set
 * by a folder would send the key to a stranger. Null when neither has one.
 */
export function findApiKey(env: NodeJS.ProcessEnv, root: string): ApiKey | null {
  const fromEnv = env[KEY_VARIABLE]?.trim();
  if (fromEnv) return { value: checkKey(fromEnv, 'the environment'), source: `environment, ${KEY_VARIABLE}` };
  const path = join(root, '.env');
  const fromFile = parseEnv(readIfThere(path))[KEY_VARIABLE]?.trim();
  if (fromFile) return { value: checkKey(fromFile, path), source: path };
  return null;
}

/** @throws AuthError when there is no key. */
export function requireApiKey(env: NodeJS.ProcessEnv, root: string): ApiKey {
  const key = findApiKey(env, root);
  if (key !== null) return key;
  throw new AuthError('no API key was found', {
    code: 'key_missing',
    why: `neither the environment nor ${join(root, '.env')} sets ${KEY_VARIABLE}`,
    next: `export ${KEY_VARIABLE}=…, or rehearse without a key: --emulator`,
  });
}

function checkKey(key: string, source: string): string {
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new AuthError(`the API key from ${source} is not usable`, {
    code: 'key_malformed',
    why: 'it holds a space, a line end or a character outside ASCII, which no HTTP header can carry',
    next: `set ${KEY_VARIABLE} again, without quotes or blanks`,
  });
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return '';
    if (errno === null) throw error;
    // A folder, or a file that may not be read; Node does not name it.
    throw new AuthError(`${path} could not be read for a key`, {
      code: 'key_unreadable',
      why: errnoWords(error),
      next: `make it a file that you may read, or export ${KEY_VARIABLE}=…`,
      cause: error,
    });
  }
}

/** From the environment alone: the origin and path that requests go to, without a slash at the end. */
export function readBaseUrl(env: NodeJS.ProcessEnv): string {
  const given = env['ANTHROPIC_BASE_URL']?.trim();
  if (!given) return DEFAULT_BASE_URL;
  const url = URL.canParse(given) ? new URL(given) : null;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url));
  if (url === null || !isSafe || url.username !== '' || url.password !== '') {
    throw new UsageError('ANTHROPIC_BASE_URL cannot be used', {
      code: 'base_url_refused',
      why: `it must be an https URL, or http on this machine, without a name and password in it: ${withoutLogin(url, given)}`,
      next: 'unset ANTHROPIC_BASE_URL, or correct it',
    });
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function withoutLogin(url: URL | null, given: string): string {
  return escapeText(url === null ? given : `${url.protocol}//${url.host}${url.pathname}`);
}

export function isLoopback(url: URL): boolean {
  return /^(?:127(?:\.\d+){3}|localhost|\[::1\])$/.test(url.hostname);
}

/** Of key and base URL together: tells «another key» from «gone», and gives neither away. */
export function fingerprint(key: string, baseUrl: string): string {
  return createHash('sha256').update(key).update(baseUrl).digest('hex').slice(0, 16);
}
