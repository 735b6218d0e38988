//! Which country a number belongs to, as far as its first digits tell.

use super::Finding;
use crate::phone_number::PhoneNumber;

/// First digits (ITU-T E.164) and their countries (ISO 3166-1). The longest that fit count. Where a code is shared and callme does not
/// know the boundary, all that may be meant stand there.
const CODES: &str = "\
    1 US/CA, 1242 BS, 1246 BB, 1264 AI, 1268 AG, 1284 VG, 1340 VI, 1345 KY, 1441 BM, 1473 GD, 1649 TC, 1658 JM, \
    1664 MS, 1670 MP, 1671 GU, 1684 AS, 1721 SX, 1758 LC, 1767 DM, 1784 VC, 1787 PR, 1809 DO, 1829 DO, 1849 DO, \
    1868 TT, 1869 KN, 1876 JM, 1939 PR, 20 EG, 211 SS, 212 MA, 213 DZ, 216 TN, 218 LY, 220 GM, 221 SN, 222 MR, \
    223 ML, 224 GN, 225 CI, 226 BF, 227 NE, 228 TG, 229 BJ, 230 MU, 231 LR, 232 SL, 233 GH, 234 NG, 235 TD, \
    236 CF, 237 CM, 238 CV, 239 ST, 240 GQ, 241 GA, 242 CG, 243 CD, 244 AO, 245 GW, 248 SC, 249 SD, 250 RW, \
    251 ET, 252 SO, 253 DJ, 254 KE, 255 TZ, 256 UG, 257 BI, 258 MZ, 260 ZM, 261 MG, 262 RE/YT, 263 ZW, 264 NA, \
    265 MW, 266 LS, 267 BW, 268 SZ, 269 KM, 27 ZA, 291 ER, 297 AW, 298 FO, 299 GL, 30 GR, 31 NL, 32 BE, 33 FR, \
    34 ES, 350 GI, 351 PT, 352 LU, 353 IE, 354 IS, 355 AL, 356 MT, 357 CY, 358 FI, 359 BG, 36 HU, 370 LT, 371 LV, \
    372 EE, 373 MD, 374 AM, 375 BY, 376 AD, 377 MC, 378 SM, 380 UA, 381 RS, 382 ME, 383 XK, 385 HR, 386 SI, \
    387 BA, 389 MK, 39 IT, 40 RO, 41 CH, 420 CZ, 421 SK, 423 LI, 43 AT, 44 GB, 441481 GG, 441534 JE, 441624 IM, \
    45 DK, 46 SE, 47 NO, 48 PL, 49 DE, 501 BZ, 502 GT, 503 SV, 504 HN, 505 NI, 506 CR, 507 PA, 509 HT, 51 PE, \
    52 MX, 53 CU, 54 AR, 55 BR, 56 CL, 57 CO, 58 VE, 591 BO, 592 GY, 593 EC, 594 GF, 595 PY, 596 MQ, 597 SR, \
    598 UY, 60 MY, 61 AU, 62 ID, 63 PH, 64 NZ, 65 SG, 66 TH, 670 TL, 673 BN, 675 PG, 679 FJ, 687 NC, 689 PF, \
    7 RU, 76 KZ, 77 KZ, 81 JP, 82 KR, 84 VN, 852 HK, 853 MO, 855 KH, 856 LA, 86 CN, 880 BD, 886 TW, 90 TR, 91 IN, \
    92 PK, 93 AF, 94 LK, 95 MM, 960 MV, 961 LB, 962 JO, 963 SY, 964 IQ, 965 KW, 966 SA, 967 YE, 968 OM, 970 PS, \
    971 AE, 972 IL, 973 BH, 974 QA, 975 BT, 976 MN, 977 NP, 98 IR, 992 TJ, 993 TM, 994 AZ, 995 GE, 996 KG, \
    998 UZ";

/// The countries that a number may belong to: one, mostly; `None` where it is not known.
pub(super) fn of(number: &PhoneNumber) -> Option<Vec<&'static str>> {
    let digits = &number.reveal()[1..];
    let fitting = codes().filter(|(code, _)| digits.starts_with(code));
    fitting.max_by_key(|(code, _)| code.len()).map(|(_, countries)| countries.split('/').collect())
}

fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    CODES.split(", ").filter_map(|entry| entry.split_once(' '))
}

/// What the carrier's permissions for these countries mean.
pub(super) fn finding(name: &'static str, done: &str, allowed: &[(&str, bool)], remedy: &str) -> Finding {
    let names = |on: bool| {
        allowed.iter().filter(|(_, is_on)| *is_on == on).map(|(country, _)| *country).collect::<Vec<_>>().join(" and ")
    };
    match (names(true), names(false)) {
        (on, off) if off.is_empty() => Finding::ok(name, format!("{on} may be {done}")),
        (on, off) if on.is_empty() => Finding::bad(name, format!("{off} may not be {done}"), remedy),
        (on, off) => {
            Finding::unchecked(name, format!("{on} may be {done}, {off} may not, and the number can be of either"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Mark;

    #[test]
    fn a_number_belongs_to_the_country_of_its_longest_code() {
        for (number, want) in [
            ("+393331234567", Some(&["IT"][..])),
            ("+15005550010", Some(&["US", "CA"])),
            ("+18765550010", Some(&["JM"])),
            ("+79161234567", Some(&["RU"])),
            ("+77011234567", Some(&["KZ"])),
            ("+441534123456", Some(&["JE"])),
            ("+442071234567", Some(&["GB"])),
            ("+9991234567", None),
        ] {
            let found = of(&PhoneNumber::parse(number).expect("a number"));
            assert_eq!(found.as_deref(), want, "{number}");
        }
    }

    #[test]
    fn codes_and_countries_have_the_form_of_such_and_no_code_comes_twice() {
        let mut seen = std::collections::HashSet::new();
        assert_eq!(codes().count(), CODES.split(", ").count());
        for (code, countries) in codes() {
            assert!(code.bytes().all(|byte| byte.is_ascii_digit()) && seen.insert(code), "{code}");
            assert!(countries.split('/').all(|c| c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase())), "{code}");
        }
    }

    #[test]
    fn a_country_that_is_only_perhaps_allowed_is_neither_right_nor_wrong() {
        for (allowed, mark) in [
            (&[("IT", true)][..], Mark::Ok),
            (&[("IT", false)], Mark::Bad),
            (&[("US", true), ("CA", true)], Mark::Ok),
            (&[("US", true), ("CA", false)], Mark::NotChecked),
            (&[("US", false), ("CA", false)], Mark::Bad),
        ] {
            assert_eq!(finding("dialing-permission", "called", allowed, "").mark, mark, "{allowed:?}");
        }
    }
}
