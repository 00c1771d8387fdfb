//! What a process is told of its place among others.

use std::env;

use super::error::RankError;

/// A process's place among others, as its environment says (`torchrun`'s contract, PyTorch's
/// `env://`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `RANK`: this process, from 0.
    pub rank: u64,
    /// `LOCAL_RANK`: this process among those of its machine, from 0: which GPU is its own. Its
    /// rank if the environment does not say.
    pub local_rank: u64,
    /// `WORLD_SIZE`: processes on all machines, at least 1.
    pub world: u64,
    /// `MASTER_ADDR`: the machine of rank 0.
    pub address: String,
    /// `MASTER_PORT`: where the processes meet.
    pub port: u16,
    /// `GLOO_SOCKET_IFNAME`: the network's interface; empty for the one of the machine's name.
    pub interface: String,
    /// `TORCHELASTIC_USE_AGENT_STORE`: whether torchrun has opened the meeting place already; else
    /// rank 0 does.
    pub store_is_there: bool,
    /// What the names in the store begin with: a restart by torchrun must not read those
    /// of the try before it (`TORCHELASTIC_RESTART_COUNT`).
    pub prefix: String,
}

impl Place {
    /// A process that is alone.
    #[must_use]
    pub fn alone() -> Place {
        Place {
            rank: 0,
            local_rank: 0,
            world: 1,
            address: String::new(),
            port: 0,
            interface: String::new(),
            store_is_there: false,
            prefix: String::new(),
        }
    }

    /// What this process's environment says: alone if there is no `WORLD_SIZE`.
    ///
    /// # Errors
    /// [`RankError::Environment`] if a variable is missing or cannot be.
    pub fn from_env() -> Result<Place, RankError> {
        Place::from(|name| env::var(name).ok())
    }

    /// What an environment says in which `get` finds a name's value.
    ///
    /// # Errors
    /// As [`Place::from_env`].
    pub fn from(get: impl Fn(&str) -> Option<String>) -> Result<Place, RankError> {
        let refuse = |name, value: &Option<String>, range| RankError::Environment {
            name,
            value: value.clone().unwrap_or_default(),
            range,
        };
        let number = |name, range, sound: &dyn Fn(u64) -> bool| {
            let value = get(name);
            let read = value.as_ref().and_then(|value| value.parse().ok());
            read.filter(|&number| sound(number))
                .ok_or_else(|| refuse(name, &value, range))
        };
        if get("WORLD_SIZE").is_none() {
            // Slurm's and others' RANK alone says nothing.
            return Ok(Place::alone());
        }
        let most = i32::MAX as u64;
        let world = number("WORLD_SIZE", "a number of processes, 1 or more", &|n| {
            (1..=most).contains(&n)
        })?;
        let rank = number("RANK", "from 0 to below WORLD_SIZE", &|n| n < world)?;
        let local_rank = match get("LOCAL_RANK") {
            None => rank,
            Some(_) => number("LOCAL_RANK", "from 0 to below WORLD_SIZE", &|n| n < world)?,
        };
        if world == 1 {
            return Ok(Place {
                local_rank,
                ..Place::alone()
            });
        }
        let address = get("MASTER_ADDR").filter(|address| !address.is_empty());
        let address = address
            .ok_or_else(|| refuse("MASTER_ADDR", &None, "the address of rank 0's machine"))?;
        let port = number("MASTER_PORT", "a port, 1 to 65,535", &|n| {
            (1..=65_535).contains(&n)
        })?;
        let agent = get("TORCHELASTIC_USE_AGENT_STORE").is_some_and(|value| value == "True");
        let restarts = get("TORCHELASTIC_RESTART_COUNT").unwrap_or_else(|| "0".to_owned());
        Ok(Place {
            rank,
            local_rank,
            world,
            address,
            port: port as u16,
            interface: get("GLOO_SOCKET_IFNAME").unwrap_or_default(),
            store_is_there: agent,
            prefix: format!("omnishot/{restarts}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(variables: &[(&str, &str)]) -> Result<Place, RankError> {
        Place::from(|name| {
            let found = variables.iter().rev().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    const SOUND: [(&str, &str); 5] = [
        ("RANK", "5"),
        ("LOCAL_RANK", "1"),
        ("WORLD_SIZE", "8"),
        ("MASTER_ADDR", "10.0.0.1"),
        ("MASTER_PORT", "29500"),
    ];

    #[test]
    fn torchruns_environment_is_a_place() {
        let found = place(&SOUND).unwrap();
        assert_eq!((found.rank, found.local_rank, found.world), (5, 1, 8));
        assert_eq!((found.address.as_str(), found.port), ("10.0.0.1", 29_500));
        assert!(!found.store_is_there && found.interface.is_empty());
        let agent = [
            ("TORCHELASTIC_USE_AGENT_STORE", "True"),
            ("TORCHELASTIC_RESTART_COUNT", "3"),
        ];
        let again = place(&[&SOUND[..], &agent].concat()).unwrap();
        assert!(again.store_is_there && again.prefix != found.prefix);
    }

    #[test]
    fn who_is_told_of_no_others_is_alone() {
        assert_eq!(place(&[]).unwrap(), Place::alone());
        assert_eq!(place(&[("RANK", "3")]).unwrap(), Place::alone());
        let one = [("WORLD_SIZE", "1"), ("RANK", "0")];
        assert_eq!(place(&one).unwrap(), Place::alone());
    }

    #[test]
    fn a_place_that_cannot_be_is_refused_by_name() {
        let wrong = [
            ("WORLD_SIZE", "0"),
            ("WORLD_SIZE", "two"),
            ("WORLD_SIZE", "99999999999999999999"),
            ("RANK", "8"),
            ("RANK", "-1"),
            ("LOCAL_RANK", "x"),
            ("MASTER_ADDR", ""),
            ("MASTER_PORT", "0"),
            ("MASTER_PORT", "65536"),
        ];
        for (name, value) in wrong {
            let refused = place(&[&SOUND[..], &[(name, value)]].concat()).unwrap_err();
            assert!(refused.to_string().contains(name), "{refused}");
        }
        for missing in ["RANK", "MASTER_ADDR", "MASTER_PORT"] {
            let rest: Vec<_> = SOUND.into_iter().filter(|(n, _)| *n != missing).collect();
            let refused = place(&rest).unwrap_err().to_string();
            assert!(refused.contains(missing), "{refused}");
        }
    }
}
