/** Each of these must be an error of the consumer's compiler: types that resolve to `any` would pass. */
import { memoryStore, resolveHosts, Secret, type Store, type Verdict } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { fakeClock } from '@guestpass/core/testing'
import { sandbox } from '@guestpass/sandbox'
import { guestpass } from 'guestpass'
import { sqliteStore } from '@guestpass/store/sqlite'

// @ts-expect-error a secret is made of text
export const secret = new Secret(1)
// @ts-expect-error a secret is not text
export const text: string = new Secret('x')
// @ts-expect-error no option has this name
export const hosts = resolveHosts({ oauthBase: 'https://login.example.com' })
// @ts-expect-error a store is not a verdict
export const verdict: Verdict = memoryStore()
// @ts-expect-error the ports of Node are not a store
export const store: Store = nodePorts()
// @ts-expect-error a time is a number
export const clock = fakeClock('now')
// @ts-expect-error a store needs a path
export const opened = sqliteStore({})
// @ts-expect-error a port is a number
export const upstream = sandbox({ port: 'any' })
// @ts-expect-error no option has this name
export const misspelt = guestpass({ clientID: 'client' })
// @ts-expect-error a connection is given later
export const early: Promise<string> = guestpass()
