import { fencesOf } from '../reference/markdown.ts'
import { pageOf } from './page.ts'

/** A block of a page, with the lines around it that make it a program. */
interface Snippet {
  readonly page: string
  /** Which of the blocks of TypeScript or JavaScript, from 0. */
  readonly at: number
  readonly before?: string
  readonly after?: string
  /** What the program prints; not given where it is for browsers, and type-checked alone. */
  readonly prints?: RegExp
}

const CONNECTION = `import { connection, memoryStore, resolveHosts, Secret, tokenStorage } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
const { GENESYS_OAUTH_BASE_URL: oauthBaseUrl = '', GENESYS_API_BASE_URL: apiBaseUrl = '' } = process.env
const hosts = resolveHosts({ oauthBaseUrl, apiBaseUrl })
const client = { id: process.env.GENESYS_CLIENT_ID ?? '', secret: new Secret(process.env.GENESYS_CLIENT_SECRET ?? '') }
`

/** Every block of these pages. */
export const snippets: readonly Snippet[] = [
  {
    page: 'docs/personal-data.md',
    at: 0,
    before: `import { guestpass } from 'guestpass'
const gp = await guestpass({ store: 'memory' })
const email = 'ann@example.com'
await gp.guests.issue({ api: 'engagements', email, consent: true, channelId: 'web-chat' })\n`,
    after: 'console.log((await gp.guests.find({ email })).length, "left")\nawait gp.close()\n',
    prints: /^0 left\n$/,
  },
  { page: 'packages/client/README.md', at: 0 },
  { page: 'packages/client/README.md', at: 1 },
  { page: 'docs/webhooks.md', at: 0, prints: /^function\n$/ },
  {
    page: 'docs/sign-ins.md',
    at: 0,
    before: `${CONNECTION}const kept = new Map<string, string>()
const vault = {
  read: async (name: string) => kept.get(name) ?? null,
  write: async (name: string, text: string) => void kept.set(name, text),
}\n`,
    after: `console.log((await accessTokens.token()).token.mask(), kept.size, typeof signIn.begin, typeof signOut)
process.exit()\n`,
    prints: /^gp_…\S{4} 1 function \w+\n$/,
  },
  {
    page: 'docs/sign-ins.md',
    at: 1,
    before: `import { randomUUID } from 'node:crypto'
import express from 'express'
import { guestpass } from 'guestpass'
import { guestpassErrors } from 'guestpass/express'
const gp = await guestpass({ store: 'memory' })
const app = express()
const server = app.listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const address = server.address()
const origin = 'http://127.0.0.1:' + (typeof address === 'object' ? address?.port : '')
const redirectUri = origin + '/callback'\n`,
    after: `app.use(guestpassErrors())
const login = await fetch(origin + '/login', { redirect: 'manual' })
const [cookie = ''] = login.headers.getSetCookie().map((one) => one.split(';')[0] ?? '')
const consent = await fetch(login.headers.get('location') ?? '', { redirect: 'manual' })
const callback = consent.headers.get('location') ?? ''
console.log(JSON.parse(await (await fetch(callback)).text()).reason)
console.log(await (await fetch(callback, { headers: { cookie } })).text())
server.close()
await gp.close()\n`,
    prints: /^browser\nsigned in, generation 1\n$/,
  },
  {
    page: 'docs/sign-ins.md',
    at: 2,
    before: `declare const oauthBaseUrl: string, apiBaseUrl: string, clientId: string, scopes: readonly string[]
declare const redirectUri: string, name: string, email: string
declare function startMessenger(token: string): void\n`,
  },
  {
    page: 'docs/token-keys.md',
    at: 0,
    before: `${CONNECTION}const ports = { ...nodePorts(), store: memoryStore() }
const own = await connection({ hosts, client }, ports)\n`,
    after: `stop.abort()\nawait mirroring\nconsole.log('stopped')\nawait ports.close()\n`,
    prints: /^stopped\n$/,
  },
  {
    page: 'docs/vault-key-ring.md',
    at: 0,
    before: `import { Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { transitKeyRing } from './vault/transit-key-ring.ts'
const ports = nodePorts()
const token = new Secret(process.env.VAULT_TOKEN ?? '')\n`,
    after: `console.log('open')\nawait store.close()\nawait ports.close()\n`,
    prints: /^open\n$/,
  },
  { page: 'docs/workers.md', at: 0, after: 'await gp.close()\n', prints: /'renewal'/ },
  { page: 'docs/write-a-store.md', at: 0, prints: /^(ℹ|#) fail 0$/m },
  { page: 'packages/cli/README.md', at: 0, prints: /^valid\n$/ },
  { page: 'packages/core/README.md', at: 0, prints: /^valid\n$/ },
  { page: 'packages/sandbox/README.md', at: 0, prints: /^http:\/\/127\.0\.0\.1:\d+\n$/ },
  { page: 'packages/store/README.md', at: 0, prints: /^open\n$/ },
]

/** The blocks of TypeScript and JavaScript of a page. */
export const blocksOf = (page: string) =>
  fencesOf(pageOf(page)).filter(({ language }) => ['ts', 'js'].includes(language))
/** A snippet as a program. */
export const wholeOf = ({ page, at, before = '', after = '' }: Snippet): string =>
  `${before}${blocksOf(page)[at]?.code ?? ''}${after}export {}\n`
