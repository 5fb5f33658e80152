"""The families of models that compete: each a frozen record that knows its configurations and builds its pipeline.

Adding one is a class in its noun's module, and its name in `union.Family` and in `penstock.families.FamilyName`.
"""

from penstock.models.families.base import MOST_SEED, BaseFamily
from penstock.models.families.bayes import GaussianBayesFamily
from penstock.models.families.boosting import (
    Boosting,
    BoostingFamily,
    CatBoostFamily,
    GradientFamily,
    HistogramFamily,
    LightGBMFamily,
    XGBoostFamily,
)
from penstock.models.families.dummy import DummyFamily
from penstock.models.families.glm import GammaFamily, PoissonFamily, TweedieFamily
from penstock.models.families.linear import (
    ElasticNetFamily,
    LassoFamily,
    LinearFamily,
    LogisticFamily,
    RidgeFamily,
    StochasticFamily,
)
from penstock.models.families.neighbours import NeighboursFamily
from penstock.models.families.neural import KerasFamily, PerceptronFamily, TorchFamily
from penstock.models.families.own import OwnFamily
from penstock.models.families.refusal import Refusal
from penstock.models.families.statsmodels import (
    GeneralisedFamily,
    LeastSquaresFamily,
    LogOddsFamily,
    coefficient_table,
)
from penstock.models.families.trees import ExtraTreesFamily, ForestFamily, TreeFamily
from penstock.models.families.union import FAMILIES, BuiltIn, Family, check_installed, families_for
from penstock.models.families.vectors import VectorsFamily

__all__ = [
    "FAMILIES",
    "MOST_SEED",
    "BaseFamily",
    "Boosting",
    "BoostingFamily",
    "BuiltIn",
    "CatBoostFamily",
    "DummyFamily",
    "ElasticNetFamily",
    "ExtraTreesFamily",
    "Family",
    "ForestFamily",
    "GammaFamily",
    "GaussianBayesFamily",
    "GeneralisedFamily",
    "GradientFamily",
    "HistogramFamily",
    "KerasFamily",
    "LassoFamily",
    "LeastSquaresFamily",
    "LightGBMFamily",
    "LinearFamily",
    "LogOddsFamily",
    "LogisticFamily",
    "NeighboursFamily",
    "OwnFamily",
    "PerceptronFamily",
    "PoissonFamily",
    "Refusal",
    "RidgeFamily",
    "StochasticFamily",
    "TorchFamily",
    "TreeFamily",
    "TweedieFamily",
    "VectorsFamily",
    "XGBoostFamily",
    "check_installed",
    "coefficient_table",
    "families_for",
]
