/** Requests of somebody else, as a script or a colleague would send them. */
function requestsOf(ids: readonly string[], maxTokens: number): readonly object[] {
  return ids.map((id) => ({
    custom_id: id,
    params: {
      model: 'claude-haiku-5-5',
      max_tokens: maxTokens,
      messages: [{ role: 'user', content: `answer-of-${id}-end` }],
    },
  }));
}

/** A batch that no batchctl made; returns its id. */
export async function createElsewhere(
  url: string,
  ids: readonly string[],
  { key = 'sk-emu-emulator', maxTokens = 300 }: { readonly key?: string; readonly maxTokens?: number } = {},
): Promise<string> {
  const response = await fetch(`${url}/v1/messages/batches`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'anthropic-version': '2026-10-21', 'content-type': 'application/json' },
    body: JSON.stringify({ requests: requestsOf(ids, maxTokens) }),
  });
  if (!response.ok) throw new Error(await response.text());
  const { id } = (await response.json()) as { id: string }; // as the emulator answers
  return id;
}

/** Ends it now, however long it would have taken: what is not answered by then is canceled. */
export async function endNow(url: string, id: string): Promise<void> {
  const response = await fetch(`${url}/v1/messages/batches/${encodeURIComponent(id)}/cancel`, {
    method: 'POST',
    headers: { 'x-api-key': 'sk-emu-emulator', 'anthropic-version': '2026-10-21' },
  });
  if (!response.ok) throw new Error(await response.text());
  await untilEnded(url, id);
}

export async function untilEnded(url: string, id: string): Promise<void> {
  for (let look = 0; look < 600; look += 1) {
    const response = await fetch(`${url}/v1/messages/batches/${encodeURIComponent(id)}`, {
      headers: { 'x-api-key': 'sk-emu-emulator', 'anthropic-version': '2026-10-21' },
    });
    const { processing_status } = (await response.json()) as { processing_status?: string }; // as the emulator answers
    if (processing_status === 'ended') return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`batch ${id} does not end`);
}
