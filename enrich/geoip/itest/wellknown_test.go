package itest

// wellKnown are addresses of universities, research networks and providers, which have had them for decades, and of MaxMind's
// examples; each with its country.
var wellKnown = map[string]string{
	"81.2.69.142": "GB", "89.160.20.112": "SE", "216.160.83.56": "US", "175.16.199.1": "CN", // of MaxMind's documentation
	"131.130.1.1": "AT", "128.130.1.1": "AT", // Vienna: University, Technology
	"128.250.1.1": "AU", "129.94.1.1": "AU", "130.102.1.1": "AU", "130.95.1.1": "AU", // Melbourne, New South Wales, Queensland, Western Australia
	"134.58.1.1": "BE", "157.193.1.1": "BE", // Leuven, Ghent
	"143.107.1.1": "BR", "143.106.1.1": "BR", "146.164.1.1": "BR", // São Paulo, Campinas, Rio
	"128.100.1.1": "CA", "132.206.1.1": "CA", "142.103.1.1": "CA", "129.97.1.1": "CA", // Toronto, McGill, British Columbia, Waterloo
	"129.132.1.1": "CH", "128.178.1.1": "CH", "2001:620::1": "CH", // ETH, EPFL, SWITCH
	"146.83.1.1": "CL", "146.155.1.1": "CL", // REUNA, Católica
	"166.111.1.1": "CN", "162.105.1.1": "CN", "202.120.1.1": "CN", "2001:da8::1": "CN", // Tsinghua, Peking, Shanghai, CERNET
	"168.176.1.1": "CO",                                           // Nacional
	"163.178.1.1": "CR",                                           // Costa Rica
	"147.32.1.1":  "CZ", "147.251.1.1": "CZ", "2001:718::1": "CZ", // Prague, Brno, CESNET
	"129.206.1.1": "DE", "131.159.1.1": "DE", "130.149.1.1": "DE", "137.226.1.1": "DE", "131.188.1.1": "DE", "2001:4ca0::1": "DE", // Heidelberg, Munich, Berlin, Aachen, Erlangen, Munich
	"130.225.1.1": "DK",                                           // DeIC
	"193.40.1.1":  "EE",                                           // EENet
	"147.83.1.1":  "ES", "138.100.1.1": "ES", "150.214.1.1": "ES", // Barcelona, Madrid, Andalusia
	"128.214.1.1": "FI", "130.232.1.1": "FI", // Helsinki, Turku
	"129.199.1.1": "FR", "129.175.1.1": "FR", "2001:660::1": "FR", // ENS, Paris-Saclay, RENATER
	"131.111.1.1": "GB", "129.67.1.1": "GB", "129.215.1.1": "GB", "130.88.1.1": "GB", "2001:630::1": "GB", // Cambridge, Oxford, Edinburgh, Manchester, JANET
	"147.102.1.1": "GR", "147.52.1.1": "GR", // Athens, Crete
	"147.8.1.1": "HK", "137.189.1.1": "HK", // Hong Kong, Chinese University
	"161.53.1.1": "HR",                      // CARNET
	"152.66.1.1": "HU", "157.181.1.1": "HU", // Budapest: Technology, Eötvös Loránd
	"152.118.1.1": "ID", "202.134.0.155": "ID", // Indonesia, Telkom
	"134.226.1.1": "IE", "137.43.1.1": "IE", // Dublin: Trinity, University College
	"132.64.1.1": "IL", "132.66.1.1": "IL", // Jerusalem, Tel Aviv
	"14.139.1.1":      "IN",                      // NKN
	"217.218.127.127": "IR", "81.31.160.1": "IR", // TIC, Sharif
	"130.208.1.1": "IS",                                           // Iceland
	"131.114.1.1": "IT", "137.204.1.1": "IT", "130.192.1.1": "IT", // Pisa, Bologna, Turin
	"130.54.1.1": "JP", "133.11.1.1": "JP", "131.112.1.1": "JP", "133.1.1.1": "JP", "2001:200::1": "JP", // Kyoto, Tokyo, Tokyo Tech, Osaka, WIDE
	"143.248.1.1": "KR", "147.46.1.1": "KR", // KAIST, Seoul
	"192.248.1.1": "LK",                      // LEARN
	"193.219.1.1": "LT",                      // LITNET
	"158.64.1.1":  "LU",                      // RESTENA
	"132.248.1.1": "MX", "148.204.1.1": "MX", // UNAM, Politécnico
	"202.188.0.133": "MY",                                                               // Telekom
	"130.37.1.1":    "NL", "131.155.1.1": "NL", "130.89.1.1": "NL", "2001:610::1": "NL", // Amsterdam, Eindhoven, Twente, SURF
	"129.240.1.1": "NO",                      // Oslo
	"130.216.1.1": "NZ", "132.181.1.1": "NZ", // Auckland, Canterbury
	"149.156.1.1": "PL", "156.17.1.1": "PL", // Kraków, Wrocław
	"193.136.1.1": "PT",                                                                // FCCN
	"141.85.1.1":  "RO",                                                                // Bucharest
	"147.91.1.1":  "RS",                                                                // Belgrade
	"93.180.1.1":  "RU",                                                                // Moscow
	"130.235.1.1": "SE", "130.237.1.1": "SE", "130.236.1.1": "SE", "2001:6b0::1": "SE", // Lund, Stockholm, Linköping, SUNET
	"137.132.1.1": "SG", "155.69.1.1": "SG", // National, Nanyang
	"193.2.1.1":   "SI",                      // ARNES
	"147.175.1.1": "SK",                      // Bratislava
	"161.200.1.1": "TH",                      // Chulalongkorn
	"144.122.1.1": "TR", "139.179.1.1": "TR", // METU, Bilkent
	"140.112.1.1": "TW", "140.114.1.1": "TW", // National Taiwan, Tsing Hua
	"128.112.1.1": "US", "128.32.1.1": "US", "128.2.1.1": "US", "128.83.1.1": "US", "128.95.1.1": "US", "141.211.1.1": "US", "128.84.1.1": "US", // Princeton, Berkeley, Carnegie Mellon, Texas, Washington, Michigan, Cornell
	"128.135.1.1": "US", "130.126.1.1": "US", "171.64.1.1": "US", "128.103.1.1": "US", // Chicago, Illinois, Stanford, Harvard
	"164.73.1.1":    "UY",                                           // República
	"159.90.1.1":    "VE",                                           // Simón Bolívar
	"203.162.4.190": "VN",                                           // VNPT
	"137.158.1.1":   "ZA", "146.141.1.1": "ZA", "146.232.1.1": "ZA", // Cape Town, Witwatersrand, Stellenbosch
}
