import { verify as verifySignature } from 'node:crypto'
import { givenKeys, type Verdict, verifier } from '@guestpass/core'
import { nodePlatform } from '@guestpass/core/node'
import { JwtVerifier } from 'aws-jwt-verify'
import { createVerifier } from 'fast-jwt'
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import type { Contender } from './race.ts'
import type { SignedTokens } from './signed-tokens.ts'

/**
 * Verifiers, each set up to do the same: the one algorithm, the signature, an `exp` that must be there and not past, and the
 * subject. `check` or `take` throws, at once or later, when the token is not right.
 */
interface Verifying extends Omit<Contender, 'once'> {
  check(token: string): unknown
}

/** Checks that some peers have no option for, so that their users write them. */
const ofSubject =
  (subject: string) =>
  ({ sub, exp }: { readonly sub?: unknown; readonly exp?: unknown }): void => {
    if (sub !== subject || typeof exp !== 'number') throw new Error('sub or exp')
  }

export function guestpass({ jwks, subject, algorithm }: SignedTokens, remember?: number): Verifying {
  const platform = nodePlatform()
  const keys = givenKeys({ jwks }, platform.maker)
  const options = { keys, platform, now: Date.now, algorithms: [algorithm] }
  const { verify } = verifier(remember === undefined ? options : { ...options, remember })
  const expectations = { subject }
  return {
    name: 'Guestpass',
    calls: remember === 0 ? '`verifier({ remember: 0, … }).verify(…)`' : '`verifier(…).verify(…)`',
    role: 'ours',
    check: (token) => verify(token, expectations),
    take(verdict: Verdict) {
      if (!verdict.valid) throw new Error(verdict.reason)
    },
  }
}

export function fastJwt({ publicKey, subject, algorithm }: SignedTokens, cache: boolean): Verifying {
  const key = publicKey.export({ format: 'pem', type: 'spki' })
  const check = createVerifier({
    key,
    cache,
    algorithms: [algorithm],
    allowedSub: subject,
    requiredClaims: ['exp', 'sub'],
  })
  return {
    name: 'fast-jwt',
    calls: `\`createVerifier({ cache: ${cache}, … })(…)\``,
    role: 'peer',
    check,
    take: ofSubject(subject),
  }
}

export function jsonWebToken({ publicKey, subject, algorithm }: SignedTokens): Verifying {
  return {
    name: 'jsonwebtoken',
    calls: '`verify(…)` with a key object',
    role: 'peer',
    check: (token) => jsonwebtoken.verify(token, publicKey, { algorithms: [algorithm], subject }),
    take: ofSubject(subject),
  }
}

export function jose({ jwks, subject, algorithm }: SignedTokens): Verifying {
  const keys = createLocalJWKSet(jwks as never)
  const options = { algorithms: [algorithm], subject, requiredClaims: ['exp'] }
  return {
    name: 'jose',
    calls: '`jwtVerify(…)` with a local key-set',
    role: 'peer',
    check: (token) => jwtVerify(token, keys, options),
    take: ({ payload }: { payload: JWTPayload }) => ofSubject(subject)(payload),
  }
}

export function awsJwtVerify({ jwks, issuer, subject }: SignedTokens): Verifying {
  const aws = JwtVerifier.create({
    issuer,
    audience: null,
    jwksUri: `${issuer}/keys`,
  })
  aws.cacheJwks(jwks)
  return {
    name: 'aws-jwt-verify',
    calls: '`JwtVerifier.verifySync(…)` with a given key-set',
    role: 'peer',
    check: (token) => aws.verifySync(token),
    take: ofSubject(subject),
  }
}

/** The bare check of a signature whose bytes are ready: no token can be verified faster by node:crypto. */
export function rawCrypto({ publicKey, bytes }: SignedTokens, way: 'at once' | 'on the thread pool'): Contender {
  type Ready = (typeof bytes)[number]
  const atOnce = ({ input, signature }: Ready): boolean => verifySignature('sha256', input, publicKey, signature)
  const inPool = ({ input, signature }: Ready): Promise<boolean> =>
    new Promise((resolve, reject) =>
      verifySignature('sha256', input, publicKey, signature, (error, valid) =>
        error ? reject(error) : resolve(valid),
      ),
    )
  const check = way === 'at once' ? atOnce : inPool
  return {
    name: 'node:crypto',
    calls: `\`crypto.verify(…)\` ${way}, bytes ready`,
    role: 'limit',
    once: (at) => check(bytes[at % bytes.length] as Ready),
    take(valid: boolean) {
      if (!valid) throw new Error('signature')
    },
  }
}

/** Lets a verifier go through the tokens in turn, after it has shown that it takes the right ones and refuses the wrong ones. */
export async function proven({ check, ...of }: Verifying, { tokens, wrong }: SignedTokens): Promise<Contender> {
  const judged = async (token: string): Promise<void> => of.take((await check(token)) as never)
  for (const token of tokens.slice(0, 3)) await judged(token)
  for (const [fault, token] of Object.entries(wrong)) {
    const accepted = await judged(token).then(
      () => true,
      () => false,
    )
    if (accepted)
      throw new Error(
        `${of.name} accepts a token with this fault: ${fault}. It is not set up to do what the others do.`,
      )
  }
  return { ...of, once: (at) => check(tokens[at % tokens.length] as string) }
}
