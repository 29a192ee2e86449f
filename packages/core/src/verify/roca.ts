/** The odd primes up to 167: each modulus of the faulty library is a power of 65537 modulo each of them. */
const PRIMES: readonly number[] = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
]
const GENERATOR = 65_537

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/** The exponent of each power of the generator modulo a prime, from 0 to the order less 1. */
function exponentsBy(prime: number): ReadonlyMap<number, number> {
  const exponents = new Map<number, number>()
  for (let power = 1, at = 0; !exponents.has(power); power = (power * GENERATOR) % prime, at += 1)
    exponents.set(power, at)
  return exponents
}

/**
 * Whether an RSA modulus has the form of CVE-2017-15361 (ROCA), whose private key can be computed: it is a
 * power of 65537 modulo the product of the first primes (Nemec et al., 2017, section 3). The exponents by all
 * primes must be those of one number: of ordinary moduli fewer than one in 2^150 passes.
 */
export function isRoca(modulus: bigint): boolean {
  const found: { readonly exponent: number; readonly order: number }[] = []
  for (const prime of PRIMES) {
    const exponents = exponentsBy(prime)
    const exponent = exponents.get(Number(modulus % BigInt(prime)))
    if (exponent === undefined) return false
    const order = exponents.size
    // By the Chinese remainder theorem one number has all these exponents where each two agree.
    if (found.some((other) => (exponent - other.exponent) % gcd(order, other.order) !== 0)) return false
    found.push({ exponent, order })
  }
  return true
}
