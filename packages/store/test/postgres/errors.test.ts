import { describe, expect, it } from 'vitest'
import { isOutage, refuseOld, toStoreError } from '../../src/postgres/errors.ts'

const PLACE = 'postgres://db:5432/guests'
const errorOf = (message: string, code?: string): Error => Object.assign(new Error(message), code ? { code } : {})

describe('an error of the driver', () => {
  const rows: readonly (readonly [thrown: Error, says: RegExp, remedy: RegExp])[] = [
    [
      errorOf('password authentication failed for user "ann"', '28P01'),
      /refuses the sign-in/,
      /Check user and password/,
    ],
    [errorOf('SASL: client password must be a string'), /asks for a password/, /postgres:\/\/user:password@host/],
    [
      errorOf('no pg_hba.conf entry for host "10.0.0.7", user "ann", database "guests", no encryption', '28000'),
      /refuses the sign-in/,
      /If the server demands TLS, add \?sslmode=verify-full/,
    ],
    [
      errorOf('no pg_hba.conf entry for host "10.0.0.7", user "ann", database "guests", SSL encryption', '28000'),
      /refuses the sign-in/,
      /pg_hba\.conf/,
    ],
    [errorOf('The server does not support SSL connections'), /cannot use TLS/, /remove sslmode/],
    [errorOf('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'), /is not trusted/, /\?sslrootcert=FILE/],
    [
      errorOf("Hostname/IP does not match certificate's altnames: Host: db.", 'ERR_TLS_CERT_ALTNAME_INVALID'),
      /is not trusted/,
      /must be for the host of the address/,
    ],
    [
      errorOf("ENOENT: no such file or directory, open '/ca.crt'", 'ENOENT'),
      /names a file that cannot be read \(ENOENT.*ca\.crt/,
      /Correct the path/,
    ],
    [
      errorOf('transaction blocks not allowed in statement pooling mode', '08P01'),
      /behind a pooler in statement mode/,
      /Set pool_mode of PgBouncer to transaction or session/,
    ],
    [errorOf('permission denied for schema public', '42501'), /cannot be used by this user/, /rights to create/],
    [errorOf('database "guests" does not exist', '3D000'), /does not exist/, /createdb/],
  ]

  it('that does not pass by itself is not repeated, and has a remedy', () => {
    for (const [thrown, says, remedy] of rows) {
      const error = toStoreError(thrown, PLACE, 0)
      expect([thrown.message, isOutage(thrown), error.code, error.retryable]).toEqual([
        thrown.message,
        false,
        'store_unavailable',
        false,
      ])
      for (const part of [PLACE, says, remedy]) expect(error.message).toMatch(part)
    }
  })

  it('of the network has the remedy of the address, and may pass', () => {
    const error = toStoreError(errorOf('connect ECONNREFUSED 10.0.0.7:5432', 'ECONNREFUSED'), PLACE, 0)
    expect(error).toMatchObject({ retryable: true, message: expect.stringContaining('check host and port') })
    const crashed = errorOf('server conn crashed?', '08P01')
    expect([isOutage(crashed), toStoreError(crashed, PLACE, 0).retryable]).toEqual([true, true])
  })
})

it('a server before PostgreSQL 15 is refused, and other servers of its protocol are not judged by their number', () => {
  const refused = (version: string) => () => refuseOld(PLACE, version)
  expect(refused('PostgreSQL 14.23 on x86_64-pc-linux-gnu')).toThrow(/is PostgreSQL 14\. Upgrade it to 15 or newer/)
  for (const version of [
    'PostgreSQL 15.3 (Debian)',
    'PostgreSQL 18.4',
    'CockroachDB CCL v23.1',
    'PostgreSQL 11.2-YB-2.20.1.3-b0 on x86',
  ])
    expect(refused(version)).not.toThrow()
})
