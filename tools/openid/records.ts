import type { Adapter, AdapterPayload } from 'oidc-provider'

/** What a provider keeps: sessions, grants and tokens, as text by model and id. A provider that starts with it goes on where the last one stopped. */
export type Records = Map<string, string>

/** How oidc-provider reads and writes its records. Expired ones stay: it looks at `exp` by itself. */
export function recordsAdapter(records: Records): (model: string) => Adapter {
  return (model) => {
    const key = (id: string): string => `${model}:${id}`
    const read = (text: string | undefined): AdapterPayload | undefined =>
      text === undefined ? undefined : (JSON.parse(text) as AdapterPayload)
    const all = (): [string, AdapterPayload][] =>
      [...records]
        .filter(([one]) => one.startsWith(key('')))
        .map(([one, text]) => [one, JSON.parse(text) as AdapterPayload])
    const write = (id: string, payload: AdapterPayload): void => void records.set(key(id), JSON.stringify(payload))
    return {
      upsert: async (id, payload) => write(id, payload),
      find: async (id) => read(records.get(key(id))),
      findByUserCode: async (userCode) => all().find(([, payload]) => payload.userCode === userCode)?.[1],
      findByUid: async (uid) => all().find(([, payload]) => payload.uid === uid)?.[1],
      consume: async (id) => {
        const payload = read(records.get(key(id)))
        if (payload) write(id, { ...payload, consumed: Math.floor(Date.now() / 1_000) })
      },
      destroy: async (id) => void records.delete(key(id)),
      revokeByGrantId: async (grantId) => {
        for (const [one, payload] of all()) if (payload.grantId === grantId) records.delete(one)
      },
    }
  }
}
