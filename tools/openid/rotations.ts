import { type ChildProcess, spawn } from 'node:child_process'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { nodePorts } from '@guestpass/core/node'
import { browser } from './browser.ts'
import { connected, REDIRECT, userClient } from './product.ts'
import { type Openid, openid } from './provider.ts'
import { openedStore } from './shared-store.ts'
import type { Said } from './worker.ts'

export interface RotationsAsk {
  /** How often the refresh token changes. */
  readonly rotations: number
  /** How often the provider is stopped meanwhile, and started again after `downMs` milliseconds. */
  readonly restarts: number
  readonly downMs: number
  readonly processes: number
  /** A fault that must be seen: the last process works on a copy of the store, and spends what another one has spent. */
  readonly bug?: 'copy' | undefined
}

interface Rotated {
  readonly rotations: number
  readonly restarts: number
  /** Generations of the token that workers were given. */
  readonly generations: number
  /** Refresh tokens that the provider saw more than once. */
  readonly presentedTwice: number
  /** Sign-ins that the provider ended. */
  readonly ended: number
  /** Token requests that the provider refused. */
  readonly refused: number
  /** Generations that were given out with two different tokens. */
  readonly doubled: number
  /** Errors that workers received, by code. */
  readonly errors: readonly string[]
  readonly seconds: number
}

/** Whether nothing was lost, spent twice or refused. */
export const isRight = (found: Rotated, { rotations, restarts }: RotationsAsk): boolean =>
  found.rotations >= rotations &&
  found.restarts === restarts &&
  found.presentedTwice + found.ended + found.refused + found.doubled + found.errors.length === 0

/** Signs a user in at the real provider, and lets processes on one store renew the access token until it has rotated often enough. */
export async function rotated(ask: RotationsAsk): Promise<Rotated> {
  const began = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'guestpass-openid-'))
  const path = join(folder, 'guestpass.db')
  const provider = await openid()
  const heard: Said[] = []
  await signedIn(provider, path)
  const paths = Array.from({ length: ask.processes }, () => path)
  if (ask.bug === 'copy') {
    await copyFile(path, `${path}.copy`)
    paths.splice(-1, 1, `${path}.copy`)
  }
  const workers = paths.map((one) => worker(provider.issuer, one, (said) => void heard.push(said)))
  try {
    const restarts = await lastUntil(provider, ask, workers)
    await Promise.all(workers.map((one) => one.stop()))
    return { ...judged(provider, heard), restarts, seconds: Math.round((performance.now() - began) / 1_000) }
  } finally {
    for (const { child } of workers) child.kill('SIGKILL')
    await provider.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function signedIn({ issuer }: Openid, path: string): Promise<void> {
  const { close, ...world } = nodePorts()
  const store = await openedStore(path, world)
  const { signIn } = await connected(issuer, userClient, { ...world, store })
  const { url } = await signIn.begin({ redirectUri: REDIRECT })
  const { renewable } = await signIn.complete((await browser().signIn(url)).searchParams)
  if (!renewable) throw new Error('The provider gave no refresh token.')
  await store.close()
  await close()
}

interface Worker {
  readonly child: ChildProcess
  /** Rejects when it ended by itself, or not well. */
  readonly ended: Promise<void>
  stop(): Promise<void>
}

function worker(issuer: string, path: string, hear: (said: Said) => void): Worker {
  const program = join(import.meta.dirname, 'worker.ts')
  const child = spawn(process.execPath, [program, issuer, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  createInterface({ input: child.stdout }).on('line', (line) => hear(JSON.parse(line) as Said))
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      // One that had hardly begun cannot end by itself yet.
      if (code === 0 || signal === 'SIGTERM') resolve()
      else reject(new Error(`A worker ended with ${code ?? signal}.`))
    })
  })
  // Looked at when the run is over, or while it lasts.
  ended.catch(() => undefined)
  return {
    child,
    ended,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

const refreshes = ({ tokenRequests }: Openid) => tokenRequests.filter(({ grant }) => grant === 'refresh_token')

/** Looks at the provider until the refresh token has changed often enough, or the sign-in has ended; stops and starts it at equal distances. Returns how often. */
async function lastUntil(provider: Openid, ask: RotationsAsk, workers: readonly Worker[]): Promise<number> {
  const { rotations, restarts, downMs } = ask
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  const failed = Promise.race(workers.map(({ ended }) => ended)).then(() => {
    throw new Error('A worker ended before the run was over.')
  })
  failed.catch(() => undefined)
  let done = 0
  const isOver = () => provider.ended.length > 0 || (refreshes(provider).length >= rotations && done === restarts)
  while (!isOver()) {
    await Promise.race([pause(10), failed])
    if (done < restarts && refreshes(provider).length >= ((done + 1) * rotations) / (restarts + 1)) {
      await provider.stop()
      await pause(downMs)
      await provider.start()
      done += 1
    }
  }
  return done
}

function judged(provider: Openid, heard: readonly Said[]): Omit<Rotated, 'restarts' | 'seconds'> {
  const presented = refreshes(provider)
  const tokens = new Map<number, Set<string>>()
  for (const said of heard) {
    if ('code' in said) continue
    tokens.set(said.generation, (tokens.get(said.generation) ?? new Set()).add(said.token))
  }
  return {
    rotations: presented.filter(({ status }) => status === 200).length,
    generations: tokens.size,
    presentedTwice: presented.length - new Set(presented.map(({ refreshToken }) => refreshToken)).size,
    ended: provider.ended.length,
    refused: provider.tokenRequests.filter(({ status }) => status !== 200).length,
    doubled: [...tokens.values()].filter(({ size }) => size > 1).length,
    errors: heard.flatMap((said) => ('code' in said ? [said.code] : [])),
  }
}
