/**
 * P4: 10,000 callers in 8 processes want the access token of one service when it has just expired: how many tokens are asked
 * for upstream until everybody has one.
 */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodePorts } from '@guestpass/core/node'
import { authorizationServer } from './authorization-server.ts'
import { child } from './child.ts'
import { embeddedStore, encryptionKey, passingFolder } from './embedded-store.ts'
import type { Go, Job, Outcome, Warm, Who } from './expiry-callers.ts'
import { grouped } from './grouped.ts'
import { isQuick, measure } from './measure.ts'
import type { Line, Sheet } from './sheet.ts'
import { atMost } from './targets.ts'

const PROCESSES = 8
const CALLERS = isQuick ? 800 : 10_000
/** The token that expires: short enough to wait for, and of another length than those issued after it. */
const passing = { lifeSeconds: 5, bytes: 24, answerMs: 0 }
/** About what a token endpoint takes. */
const after = { lifeSeconds: 86_400, bytes: 32, answerMs: 200 }
/** Past the expiry by every clock, and time for the message to reach all processes. */
const EXPIRED_MS = (passing.lifeSeconds + 1) * 1_000

const parent = passingFolder()

const whos: Readonly<Record<Who, string>> = {
  Guestpass: '`connection.accessTokens.token()`, one file of the embedded store',
  'google-auth-library': '`OAuth2Client.getAccessToken()`, filled by a refresh handler',
  '@smithy/property-provider': '`memoize(…)()` with the expiry rule of the AWS SDK',
  '@azure/msal-node': '`acquireTokenByClientCredential(…)`',
  '@azure/msal-node with a file': 'the same with a cache plug-in on one file, as its documents have it',
  'purecloud-platform-client-v2': '`loginClientCredentialsGrant(…)` when `authData.tokenExpiryTime` is past',
}

interface Expiry {
  readonly line: Line
  readonly requests: number
  readonly lost: number
}

/** One contender in processes of its own, against a server of its own. */
async function expired(who: Who, does: string): Promise<Expiry> {
  const server = await authorizationServer()
  const { host, port, url } = server
  const folder = mkdtempSync(join(parent, 'shared-'))
  const job: Job = { who, server: { host, port, url }, callers: CALLERS / PROCESSES, folder, key: encryptionKey() }
  if (who === 'Guestpass') await setUp(job)
  server.change(passing)
  const processes = Array.from({ length: PROCESSES }, () => child('expiry-callers.ts'))
  for (const process of processes) process.tell(job)
  await Promise.all(processes.map((process) => process.next<Warm>()))
  await sleep(EXPIRED_MS)
  server.change(after)
  const before = server.issued()
  const go: Go = { at: Date.now() + 500 }
  for (const process of processes) process.tell(go)
  const outcomes = await Promise.all(processes.map((process) => process.next<Outcome>()))
  await Promise.all(processes.map((process) => process.end()))
  const requests = server.issued() - before
  server.close()
  const refusal = outcomes.find((one) => one.refusal)?.refusal
  if (refusal) console.error(`${who}: ${refusal}`)
  const served = outcomes.reduce((sum, one) => sum + one.served, 0)
  const seconds = Number((Math.max(...outcomes.map(({ tookMs }) => tookMs)) / 1_000).toFixed(2))
  const line = { name: who, does, ours: who === 'Guestpass', values: [requests, served, CALLERS - served, seconds] }
  return { line, requests, lost: CALLERS - served }
}

/** The store's file is there before its processes begin. */
async function setUp({ folder, key }: Job): Promise<void> {
  const store = await embeddedStore(nodePorts(), { path: join(folder, 'bench.db'), key })
  await store.close()
}

await measure(async () => {
  const found: Expiry[] = []
  for (const [who, does] of Object.entries(whos)) found.push(await expired(who as Who, does))
  const title = `P4 ${CALLERS.toLocaleString('en')} callers in ${PROCESSES} processes, one expiry`
  const ours = found.find(({ line }) => line.ours) as Expiry
  const sheet: Sheet = {
    title,
    headings: ['token requests', 'served', 'not served', 'seconds'],
    lines: found.map(({ line }) => line),
    targets: [atMost(`${title}: token requests`, ours.requests, 1), atMost(`${title}: not served`, ours.lost, 0)],
    summary: [
      {
        measure: `${title}: token requests`,
        ours: grouped(ours.requests),
        best: found
          .filter((one) => one !== ours)
          .toSorted((a, b) => a.requests - b.requests)
          .map(({ line, requests }) => `${grouped(requests)} (${line.name})`)
          .slice(0, 2)
          .join('; '),
      },
    ],
  }
  return [sheet]
})
