import { type Random, Secret, signingSecret, type Store } from '@guestpass/core'
import { type ConfiguredEndpoint, documentKind } from '@guestpass/core/runtime-kit'
import type { Config } from './config/config.ts'
import { commandFor } from './remedies.ts'
import type { RuntimeHost } from './runtime-host.ts'

/** The document of the signing secret that is used if WEBHOOK_SECRET is not set. */
const SECRET_DOCUMENT = { kind: documentKind.key, id: 'webhook-secret' } as const

/** The webhook endpoints of the configuration, with the secrets that sign their messages. */
export async function configuredEndpoints(
  { connection, settings }: Config,
  { store, random }: { readonly store: Store; readonly random: Random },
  host: Pick<RuntimeHost, 'note'>,
): Promise<readonly ConfiguredEndpoint[]> {
  const { idpWebhookUrl, idmWebhookUrl, analyticsWebhookUrl, idpWebhookIncludeToken, webhookSecret } = settings
  const addresses = [
    ['idp', idpWebhookUrl, idpWebhookIncludeToken],
    ['idm', idmWebhookUrl, false],
    ['analytics', analyticsWebhookUrl, false],
  ] as const
  const named = addresses.flatMap(([contract, url, includeToken]) =>
    url === undefined ? [] : [{ id: contract, contract, url, includeToken }],
  )
  if (named.length === 0) return []
  const secrets = webhookSecret ?? [await storedSigningSecret(connection, store, random, host)]
  return named.map((endpoint) => ({ ...endpoint, secrets }))
}

/** The stored signing secret of the connection, made when it is first needed: no message is sent unsigned. */
async function storedSigningSecret(
  connection: string,
  store: Store,
  random: Random,
  host: Pick<RuntimeHost, 'note'>,
): Promise<Secret> {
  for (;;) {
    const { value, revision } = await store.document(connection, SECRET_DOCUMENT.kind, SECRET_DOCUMENT.id)
    if (typeof value === 'string') return new Secret(value)
    const made = signingSecret(random)
    const documents = [{ ...SECRET_DOCUMENT, value: made, expect: { revision } }]
    if ((await store.commit({ connection, documents })) !== 'done') continue
    host.note(
      `WEBHOOK_SECRET is not set: made a secret that signs webhooks; see it with \`${commandFor(connection, 'webhooks list --reveal')}\``,
    )
    return new Secret(made)
  }
}
