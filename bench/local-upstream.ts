/** A local Genesys in a process of its own, so that its work is not counted with that of who asks it. */
import { sandbox } from '@guestpass/sandbox'

/** Where it is. */
export interface LocalUpstream {
  readonly url: string
  readonly id: string
  readonly secret: string
}

const { url, env, close } = await sandbox({
  rateLimit: { perMinute: 6_000_000 },
  accessTokenSeconds: 86_400,
  autoConsent: true,
  journalSize: 1,
})
const { GENESYS_CLIENT_ID: id = '', GENESYS_CLIENT_SECRET: secret = '' } = env
process.once('message', () => void close().then(() => process.exit()))
process.send?.({ url, id, secret } satisfies LocalUpstream)
