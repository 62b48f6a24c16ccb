import type { BatchProvider } from '../../src/core/ports/provider.ts';
import { createProvider, type ProviderOptions } from '../../src/providers/anthropic/provider.ts';

/** The real provider at a server of the test, with a key that nobody has. */
export function providerAt(baseUrl: string, more: Partial<ProviderOptions> = {}): BatchProvider {
  return createProvider({
    apiKey: 'sk-emu-test',
    baseUrl,
    account: { baseUrl: 'emulator:test', keyFingerprint: '0' },
    apiVersion: '2026-10-21',
    userAgent: 'batchctl-test',
    ...more,
  });
}
