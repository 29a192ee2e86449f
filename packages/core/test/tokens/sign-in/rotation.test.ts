import { describe, expect, it } from 'vitest'
import type { Credential } from '../../../src/domain/credential.ts'
import { Secret } from '../../../src/domain/secret.ts'
import { HOUR, SECOND } from '../../../src/domain/time.ts'
import { seededRandom } from '../../../src/testing/index.ts'
import { createRotation } from '../../../src/tokens/sign-in/refresh-token-rotation.ts'

const NOW = Date.UTC(2026, 0, 1)

/** A credential whose refresh began `age` milliseconds ago, by the clock that wrote it, and has not ended. */
const refreshing = (age: number): Credential => ({
  connection: 'default',
  id: 'grant',
  kind: 'grant',
  api: 'oauth',
  subject: 'subject',
  generation: 1,
  status: 'active',
  createdAt: NOW - HOUR,
  intent: { id: 'intent', action: 'refresh', holder: 'another process', startedAt: NOW - age },
  tokens: {
    access: new Secret('access'),
    refresh: new Secret('refresh'),
    scopes: [],
    verified: false,
    sentAt: NOW - HOUR,
    expiresAt: NOW + HOUR,
    renewAt: NOW,
  },
})

const prepared = (graceMs: number, age: number) =>
  createRotation(
    { graceMs, holder: 'this process', describe: () => ({ whose: 'It', remedy: '' }) },
    seededRandom(1),
  ).prepare(refreshing(age), NOW)

describe('a refresh that a process left', () => {
  it.each([
    ['strict', 0, 0],
    ['strict', 0, 3 * SECOND],
    ['strict, and the clock has gone back', 0, -3 * SECOND],
    ['with a grace that is over', 10 * SECOND, 10 * SECOND],
    ['with a grace, of an age that is not known', 10 * SECOND, -6 * SECOND],
  ])('is not sent again to a server: %s', (_name, graceMs, age) => {
    expect(prepared(graceMs, age)).toMatchObject({ next: 'plan', credential: { status: 'in_doubt' } })
  })

  it.each([
    ['begins', 0],
    ['lasts', 9 * SECOND],
    ['begins, and the clock has gone back', -3 * SECOND],
  ])('is sent again while the grace %s', (_name, age) => {
    expect(prepared(10 * SECOND, age)).toMatchObject({
      next: 'send',
      isRetry: true,
      credential: { status: 'active' },
    })
  })
})
