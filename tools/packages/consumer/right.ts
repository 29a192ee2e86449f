/** A consumer's program: what it assigns must pass, whatever the consumer's compiler and options. */
import {
  type Connection,
  connection,
  memoryStore,
  resolveHosts,
  Secret,
  type Store,
  type Verdict,
  webPorts,
} from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { fakeClock, seededRandom } from '@guestpass/core/testing'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { guestpass, type Guestpass } from 'guestpass'
import { fileKeyRing, type SealedStore, sqliteStore } from '@guestpass/store/sqlite'

export async function issued(): Promise<Verdict> {
  const ports = nodePorts()
  const { ring: keyRing } = await fileKeyRing('guestpass.key', ports)
  const sealed: SealedStore = await sqliteStore({ path: 'guestpass.db', keyRing, ...ports })
  const store: Store = sealed
  const { guests, verifier } = await connection(
    {
      hosts: resolveHosts({ oauthBaseUrl: 'https://login.example.com', apiBaseUrl: 'https://api.example.com' }),
      client: { id: 'client', secret: new Secret('secret') },
      scopes: ['guest:write'],
    },
    { ...ports, store },
  )
  const { guestId, token, expiresAt } = await guests.issue({ scopes: ['webmessaging:guest:send'] })
  const left: number = expiresAt - ports.clock.wall()
  const shown: string = token.mask() + left.toFixed()
  return verifier.verify(shown, { subject: guestId })
}

export const inTests = { clock: fakeClock(0), random: seededRandom(1), upstream: (): Promise<Sandbox> => sandbox() }
export const inPages = { ...webPorts(), store: memoryStore() }

export async function byFrontDoor(): Promise<string> {
  const gp: Guestpass = await guestpass({ store: 'memory', clientId: 'client', clientSecret: new Secret('secret') })
  const { guestId, token } = await gp.guests.issue({ scopes: ['webmessaging:guest:send'] })
  const verdict = await gp.verify(token.reveal(), { subject: guestId })
  await gp.close()
  return verdict.valid ? guestId : verdict.reason
}

/** What a library that builds on the packages exports with types inferred: its declarations can name all of them. */
export const members = ({ ...all }: Guestpass) => all
export const membersOfConnection = ({ ...all }: Connection) => all
export const inferred = async (gp: Guestpass) => ({
  guest: await gp.guests.issue({ scopes: ['webmessaging:guest:send'] }),
  health: await gp.health(),
  report: await gp.report(),
  erased: await gp.guests.erase({ email: 'ann@example.com' }),
})
